//! The machine that is measured on, in one line.

use crate::results::Taken;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Everything that a reader needs to judge the figures.
#[must_use]
pub fn taken(dir: &Path, minuet: &Path, quick: bool) -> Taken {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let version = output(Command::new(minuet).arg("--version")).unwrap_or_else(|| "minuet".to_owned());
    let commit = output(Command::new("git").args(["-c", "safe.directory=*", "describe", "--always", "--dirty"]));
    Taken {
        machine: machine(dir),
        commit: format!("{}, {version}", commit.unwrap_or_else(|| "unknown commit".to_owned())),
        date: output(Command::new("date").args(["-u", "+%Y-%m-%d"])).unwrap_or_else(|| "unknown date".to_owned()),
        load_before: read("/proc/loadavg").split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0.0),
        quick,
    }
}

fn machine(dir: &Path) -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let [processors, mounts, kernel] = ["/proc/cpuinfo", "/proc/self/mounts", "/proc/sys/kernel/osrelease"].map(read);
    let model = model(&processors).unwrap_or(std::env::consts::ARCH);
    let memory = memory_gib(&read("/proc/meminfo"));
    let place = fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    let disk = file_system(&mounts, &place);
    format!("{cores} × {model}, {memory:.0} GiB, Linux {}, {disk}", kernel.trim())
}

fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn model(cpuinfo: &str) -> Option<&str> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, model)| model.trim())
}

fn memory_gib(meminfo: &str) -> f64 {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap_or(0.0) / f64::from(1 << 20)
}

/// The type of the mount that is nearest above a place.
fn file_system<'a>(mounts: &'a str, place: &Path) -> &'a str {
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let above = mounts.filter(|(mount, _)| place.starts_with(mount));
    above.max_by_key(|(mount, _)| mount.len()).map_or("unknown file system", |(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_memory_and_file_system_are_found() {
        assert_eq!(model("processor\t: 0\nmodel name\t: Some CPU @ 1\n"), Some("Some CPU @ 1"));
        assert_eq!(model("processor\t: 0\n"), None);
        assert!((memory_gib("MemTotal:       4194304 kB\nMemFree: 1 kB\n") - 4.0).abs() < 1e-9);
        let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/b /tmp/disk xfs rw 0 0\n";
        assert_eq!(file_system(mounts, Path::new("/tmp/disk/x")), "xfs");
        assert_eq!(file_system(mounts, Path::new("/tmp/other")), "tmpfs");
        assert_eq!(file_system(mounts, Path::new("/tmpx")), "ext4");
        assert_eq!(file_system("", Path::new("/")), "unknown file system");
    }
}
