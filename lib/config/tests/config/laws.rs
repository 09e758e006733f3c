//! What holds for any config.

use ds01_config::Config;
use proptest::prelude::*;

use crate::now;

/// Pieces of configs, right and wrong, put together at random: far more of them reach the
/// reading than of random text.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("defaults:\n".to_owned()),
        Just("groups:\n  a:\n    members: [x, y]\n".to_owned()),
        Just("user_overrides:\n".to_owned()),
        Just("  <<: *a\n".to_owned()),
        Just("x-a: &a {memory: 1g}\n".to_owned()),
        "  [a-z_]{1,12}: [0-9a-z%.\\[\\]{}&*!'\" -]{0,12}\n",
        "  (memory|idle_timeout|max_cpus|priority|idle_timeout_h): [0-9a-z%.-]{0,6}\n",
        "\\PC{0,20}\n",
    ]
}

proptest! {
    #[test]
    fn nothing_panics_and_an_error_grants_nothing(pieces in prop::collection::vec(piece(), 0..12)) {
        let report = Config::check_text(pieces.concat().as_bytes(), now());
        for one in &report.diagnostics {
            prop_assert!(!one.render().is_empty() && !one.message.is_empty());
        }
        prop_assert_eq!(report.errors() == 0, report.config.is_some());
        if let Some(config) = report.config {
            let limits = config.resolve("x", now());
            prop_assert!((1..=100).contains(&limits.priority));
            prop_assert!(!(limits.ipc_host && limits.shm_size.is_some()));
        }
    }

    #[test]
    fn a_stronger_level_always_wins(over in 1u32..100, group in 1u32..100, default in 1u32..100, said in 0u8..8) {
        let (o, g, d) = (said & 4 != 0, said & 2 != 0, said & 1 != 0);
        let line = |say: bool, value: u32| if say { format!("priority: {value}") } else { String::new() };
        let text = format!(
            "defaults: {{{}}}\ngroups: {{a: {{members: [x], {}}}}}\nuser_overrides: {{x: {{{}}}}}\n",
            line(d, default), line(g, group), line(o, over),
        );
        let config = Config::check_text(text.as_bytes(), now()).config.unwrap();
        let wanted = if o { over } else if g { group } else if d { default } else { 10 };
        prop_assert_eq!(u32::from(config.resolve("x", now()).priority), wanted);
    }

    #[test]
    fn any_bytes_are_a_message_or_a_config(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Config::check_text(&bytes, now());
    }
}
