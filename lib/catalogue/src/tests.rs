use super::*;
use ds01_fault::Code;
use proptest::prelude::*;

const FIRST: &str = "Pytorch, 2.5.1, CUDA_ADA, aimehub/pytorch:2.5.1-cuda12.1\n\
                     Pytorch, 2.5.1, CUDA_AMPERE, aimehub/pytorch:2.5.1-cuda11.8\n\
                     Tensorflow, 2.16.1, CUDA, aimehub/tensorflow:2.16.1\n";
const SECOND: &str = "# later\n\nPytorch, 2.9.1, [CUDA_BLACKWELL], aimehub/pytorch:2.9.1\n\
                      Pytorch, 2.10.0, [CUDA_ADA;CUDA_AMPERE], aimehub/pytorch:2.10.0\n\
                      Pytorch, 2.9.1, [CUDA_ADA; CUDA_AMPERE], aimehub/pytorch:2.9.1-ada\n\
                      Pytorch, 2.9.1, [ROCM6], aimehub/pytorch:2.9.1-rocm\n";

fn read(text: &str) -> Catalogue {
    Catalogue::parse(text, Path::new("/etc/ds01/ml_images.repo")).unwrap()
}

fn on(gpu: &str) -> Vec<Arch> {
    Arch::of_machine(None, &[gpu.to_owned()])
}

#[test]
fn both_generations_are_read_and_several_architectures_count() {
    let (first, second) = (read(FIRST), read(SECOND));
    let image = |all: &Catalogue, version, gpu| {
        all.find("pytorch", version, &on(gpu)).map(|one| one.image.clone())
    };
    assert_eq!(image(&first, Some("2.5.1"), "A100").unwrap(), "aimehub/pytorch:2.5.1-cuda11.8");
    assert_eq!(image(&first, None, "H100").unwrap(), "aimehub/pytorch:2.5.1-cuda12.1");
    assert_eq!(image(&second, None, "A100").unwrap(), "aimehub/pytorch:2.10.0");
    assert_eq!(image(&second, None, "B200").unwrap(), "aimehub/pytorch:2.9.1");
    let rocm = Arch::of_machine(Some("rocm6"), &[]);
    assert_eq!(second.find("Torch", None, &rocm).unwrap().image, "aimehub/pytorch:2.9.1-rocm");
}

#[test]
fn without_a_gpu_everything_runs() {
    let found = read(FIRST).find("tf", None, &Arch::of_machine(None, &[])).unwrap().clone();
    assert_eq!(found.version, "2.16.1");
}

#[test]
fn what_is_not_there_is_answered_with_what_is() {
    let all = read(SECOND);
    let fault = all.find("pytorhc", None, &on("A100")).unwrap_err();
    assert_eq!((fault.code as u8, fault.why.as_str()), (4, "did you mean Pytorch?"));
    let fault = all.find("pytorch", Some("1.0"), &on("A100")).unwrap_err();
    assert_eq!(fault.todo, "choose one of 2.10.0, 2.9.1");
    let fault = read(FIRST).find("pytorch", Some("2.5.1"), &on("B200")).unwrap_err();
    assert!(fault.why.contains("other kinds"), "{fault}");
}

#[test]
fn a_wrong_line_is_named_by_its_number() {
    for (line, why) in [
        ("a, b, c", "3 fields"),
        ("a, , CUDA, x", "version"),
        ("a, 1, [CUDA, x", "bracket"),
        ("a, 1, [CUDA;], x", "empty"),
        ("a b, 1, CUDA, x", "framework"),
    ] {
        let fault = Catalogue::parse(&format!("# x\n{line}\n"), Path::new("f")).unwrap_err();
        assert!(fault.what.starts_with("f:2 "), "{fault}");
        assert!(fault.why.contains(why), "{fault}");
    }
}

#[test]
fn a_missing_catalogue_says_what_to_do_and_aimes_own_is_found() {
    let root = tempfile::tempdir().unwrap();
    let site = Site::at(root.path());
    let fault = Catalogue::load(&site).unwrap_err();
    assert_eq!(fault.code, Code::NotFound);
    assert!(fault.todo.contains("--image"));
    let earlier = root.path().join(EARLIER[1]);
    std::fs::create_dir_all(earlier.parent().unwrap()).unwrap();
    std::fs::write(&earlier, FIRST).unwrap();
    assert_eq!(Catalogue::load(&site).unwrap().path(), earlier);
}

#[test]
fn the_example_that_is_installed_is_a_catalogue() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../share/catalogue/ml_images.repo");
    let text = std::fs::read_to_string(&path).unwrap();
    let all = Catalogue::parse(&text, &path).unwrap();
    for gpu in ["A100", "H100", "B200"] {
        assert!(all.find("pytorch", None, &on(gpu)).is_ok(), "{gpu}");
    }
    assert!(!all.offers(&Arch::of_machine(None, &[])).is_empty());
}

proptest! {
    #[test]
    fn no_text_panics(text in "(?s).{0,80}|([a-z, \\[\\];]{0,20}\n){0,4}") {
        if let Ok(all) = Catalogue::parse(&text, Path::new("f")) {
            let _ = all.find("a", None, &Arch::of_machine(None, &[]));
        }
    }
}
