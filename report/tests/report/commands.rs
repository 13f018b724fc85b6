use crate::made_up::whole;
use minuet_report::output::{PAGE_FILE, write};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn report(args: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_minuet-report"));
    command.args(args).env("CARGO_TARGET_DIR", folder).current_dir(folder).output().unwrap()
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn render_only_writes_the_page_from_the_kept_results_and_measures_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let docs = folder.path().join("docs");
    write(&whole(), &docs).unwrap();
    let page = fs::read_to_string(docs.join(PAGE_FILE)).unwrap();
    fs::write(docs.join(PAGE_FILE), "edited by hand").unwrap();
    fs::remove_file(docs.join("images/benchmarks/latency-load.svg")).unwrap();
    // There is no program to measure with.
    let output = report(&["--render-only"], folder.path());
    assert!(output.status.success(), "{}", words(&output));
    assert_eq!(fs::read_to_string(docs.join(PAGE_FILE)).unwrap(), page);
    assert!(docs.join("images/benchmarks/latency-load.svg").exists());
}

#[test]
fn what_cannot_be_done_is_said_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("release/minuet");
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    let refused = |args: &[&str], wanted: &str| {
        let output = report(args, folder.path());
        assert!(!output.status.success() && words(&output).contains(wanted), "{args:?}: {}", words(&output));
    };
    refused(&["--render-only"], "results.json: No such file");
    refused(&["--quick"], "'make build', or name it with --minuet");
    fs::write(&program, "").unwrap();
    refused(&["--quick", "--only", "idel"], "there is no scenario 'idel', only idle, steady");
    refused(&["--render-only", "--quick"], "cannot be used with");
}

#[test]
fn a_program_that_cannot_be_started_leaves_every_scenario_unmeasured_and_a_page_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("not-a-program");
    fs::write(&program, "").unwrap();
    let out = folder.path().join("out");
    let (program, out_arg) = (program.display().to_string(), out.display().to_string());
    let output = report(&["--quick", "--only", "idle,wide", "--minuet", &program, "--out", &out_arg], folder.path());
    assert!(!output.status.success());
    let said = words(&output);
    assert!(said.contains("cannot be started") && said.contains("not measured: idle, wide"), "{said}");
    assert!(fs::read_to_string(out.join(PAGE_FILE)).unwrap().contains("Nothing was measured yet"));
}
