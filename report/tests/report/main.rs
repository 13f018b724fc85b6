//! The report's page, plots and rows from made-up results, and the program without measuring anything.

mod commands;
mod made_up;
mod rendering;
mod rows;
