//! stub
#[derive(Debug)]
pub struct Pool;
#[derive(Debug)]
pub struct Overlay;
#[derive(Debug)]
pub struct SelectLimits;
