//! docker-wrap - docker with the owner's labels and slice, for hosts without the Docker door
fn main() -> std::process::ExitCode {
    docker_wrap::main()
}
