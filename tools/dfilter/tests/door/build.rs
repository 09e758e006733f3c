//! Builds through the door with a real daemon: BuildKit as the docker command of 20.10
//! speaks it, and as buildx does, against the engines of two Debian releases.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use dfilter::Mode;
use ds01_test_dockerd::{Dockerd, IMAGE, later, plugins};

use crate::lab::{self, uid};

/// A daemon, a door before it, and a docker command.
struct Site {
    dockerd: Dockerd,
    dir: tempfile::TempDir,
    socket: PathBuf,
    client: PathBuf,
}

fn site(dockerd: Dockerd, client: PathBuf) -> Site {
    let dir = lab::scratch();
    let own = dir.path().join("docker");
    std::fs::copy(client, &own).unwrap();
    let socket = lab::open(&dir, lab::CONFIG, Mode::Enforce, dockerd.socket());
    Site { dockerd, dir, socket, client: own }
}

impl Site {
    fn home(&self, user: &str) -> PathBuf {
        let home = self.dir.path().join(user);
        if std::fs::create_dir(&home).is_ok() {
            std::fs::create_dir_all(home.join(".docker/cli-plugins")).unwrap();
            if let Some(plugins) = plugins() {
                for name in ["docker-buildx", "docker-compose"] {
                    let to = home.join(".docker/cli-plugins").join(name);
                    std::fs::copy(plugins.join(name), to).unwrap();
                }
            }
            let all =
                Command::new("chown").args(["-R", &uid(user).to_string()]).arg(&home).status();
            assert!(all.unwrap().success());
        }
        home
    }

    fn command(&self, user: &str, args: &[&str]) -> Command {
        let home = self.home(user);
        let mut command = Command::new(&self.client);
        command
            .args(args)
            .env_clear()
            .env("HOME", &home)
            .env("PATH", "/usr/bin:/bin")
            .env("DOCKER_BUILDKIT", "1")
            .env("BUILDKIT_PROGRESS", "plain")
            .env("DOCKER_HOST", format!("unix://{}", self.socket.display()))
            .current_dir(&home)
            .uid(uid(user))
            .gid(uid(user));
        command
    }

    fn output(&self, user: &str, args: &[&str]) -> Output {
        self.command(user, args).output().unwrap()
    }

    #[track_caller]
    fn does(&self, user: &str, args: &[&str]) -> String {
        let out = self.output(user, args);
        let said = text(&out);
        assert!(out.status.success(), "{user}: docker {args:?}: {said}\n{}", self.dockerd.log());
        said
    }

    #[track_caller]
    #[allow(dead_code)]
    fn refused(&self, user: &str, args: &[&str]) -> String {
        let out = self.output(user, args);
        assert!(!out.status.success(), "{user}: docker {args:?} went through: {}", text(&out));
        text(&out)
    }
}

fn text(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

fn builds(site: &Site) {
    let home = site.home("alice");
    std::fs::write(home.join("Dockerfile"), format!("FROM {IMAGE}\nRUN echo built > /built\n"))
        .unwrap();
    let said = site.does("alice", &["build", "--network", "none", "-t", "built", "."]);
    eprintln!("{said}");
}

#[test]
fn the_docker_command_of_20_10_builds_with_buildkit() {
    let Some(dockerd) = Dockerd::start_or_skip() else { return };
    let client = dockerd.client();
    builds(&site(dockerd, client));
}

#[test]
fn buildx_builds_on_an_engine_of_20_10() {
    let (Some(later), Some(_)) = (later(), plugins()) else { return };
    let Some(dockerd) = Dockerd::start_or_skip() else { return };
    builds(&site(dockerd, later.join("usr/bin/docker")));
}

#[test]
fn buildx_builds_on_a_later_engine() {
    let (Some(later), Some(_)) = (later(), plugins()) else { return };
    let Some(dockerd) = Dockerd::start_later_or_skip() else { return };
    builds(&site(dockerd, later.join("usr/bin/docker")));
}
