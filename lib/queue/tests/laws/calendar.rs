//! Reserved windows.

use ds01_queue::{
    Bar, Conflict, Day, Occupied, Recur, Reserved, Row, choose, conflict, overlap, overlaps_itself,
    timeline, windows,
};
use ds01_units::Stamp;
use proptest::prelude::*;

const HOUR: i64 = 3600;

fn at(text: &str) -> Stamp {
    text.parse().unwrap()
}

fn reserved(id: u64, user: &str, from: &str, till: &str) -> Reserved {
    let (user, slots) = (user.to_owned(), vec!["S0".to_owned()]);
    Reserved { id, user, slots, from: at(from), till: at(till), recur: None }
}

fn weekly(on: &[Day], one: Reserved) -> Reserved {
    Reserved { recur: Some(Recur { on: on.to_vec(), last: None }), ..one }
}

#[test]
fn days_of_the_week_are_named_and_found() {
    assert_eq!(Day::of(at("2026-11-28T23:59")), Day::Sat);
    assert_eq!(Day::of(at("1969-12-31T23:59")), Day::Wed);
    assert_eq!("Monday".parse::<Day>(), Ok(Day::Mon));
    for bad in ["", "m", "mo", "mond ay", "montag", "1"] {
        assert!(bad.parse::<Day>().is_err(), "{bad}");
    }
}

#[test]
fn a_weekly_window_comes_on_its_days_until_its_last() {
    let mut one =
        weekly(&[Day::Mon, Day::Wed], reserved(1, "alice", "2026-11-28T09:00", "2026-11-28T11:00"));
    let starts = |one: &Reserved| -> Vec<String> {
        windows(one, at("2026-11-01"), at("2026-12-10")).map(|(from, _)| from.to_string()).collect()
    };
    assert_eq!(
        starts(&one),
        [
            "2026-11-30T09:00:00Z",
            "2026-12-02T09:00:00Z",
            "2026-12-07T09:00:00Z",
            "2026-12-09T09:00:00Z"
        ]
    );
    one.recur = Some(Recur { on: vec![Day::Mon, Day::Wed], last: Some(at("2026-12-07T09:00")) });
    assert_eq!(starts(&one).len(), 2);
}

#[test]
fn a_conflict_names_the_other_party() {
    let bob = weekly(&Day::ALL, reserved(7, "bob", "2026-11-28T08:00", "2026-11-28T10:00"));
    let wanted = reserved(8, "alice", "2027-03-01T09:00", "2027-03-01T12:00");
    let Some(Conflict::Reserved { id, user, from, till, .. }) =
        conflict(&wanted, "S0", std::slice::from_ref(&bob), &[])
    else {
        panic!("no conflict");
    };
    assert_eq!((id, user.as_str()), (7, "bob"));
    assert_eq!((from, till), (at("2027-03-01T09:00"), at("2027-03-01T10:00")));
    assert_eq!(conflict(&wanted, "S1", &[bob], &[]), None);
    let runs = Occupied { slot: "S0".into(), user: "carol".into(), until: None };
    assert_eq!(
        conflict(&wanted, "S0", &[], std::slice::from_ref(&runs)).map(|c| c.user().to_owned()),
        Some("carol".into())
    );
    let ends = Occupied { until: Some(at("2027-03-01T09:00")), ..runs };
    assert_eq!(conflict(&wanted, "S0", &[], &[ends]), None);
}

#[test]
fn slots_are_reserved_from_the_end_of_the_board() {
    let board: Vec<String> = (0..4).map(|n| format!("S{n}")).collect();
    let wanted = reserved(8, "alice", "2027-03-01T09:00", "2027-03-01T12:00");
    let busy = [Occupied { slot: "S3".into(), user: "bob".into(), until: None }];
    assert_eq!(choose(&wanted, 2, &board, &[], &busy).unwrap(), ["S1", "S2"]);
    let all = choose(&wanted, 4, &board, &[], &busy).unwrap_err();
    assert_eq!((all.len(), all[0].user()), (1, "bob"));
}

#[test]
fn the_timeline_shows_who_has_what_when() {
    let bar = |what, user: &str, from: &str, till: Option<&str>| Bar {
        what,
        id: None,
        user: user.into(),
        from: at(from),
        till: till.map(at),
    };
    let row = |slot: &str, bars| Row {
        slot: slot.into(),
        uuid: "U".into(),
        profile: "full".into(),
        bars,
    };
    let rows = vec![
        row("0", vec![bar("leased", "alice", "2026-11-28T19:00", Some("2026-11-28T22:00"))]),
        row("1", vec![bar("reserved", "bob", "2026-11-29T01:00", Some("2026-11-29T03:00"))]),
        row("2", vec![bar("drained", "", "2026-11-01", None)]),
    ];
    let shown = timeline(rows, at("2026-11-28T20:00"), at("2026-11-29T04:00")).words();
    assert_eq!(
        shown,
        concat!(
            "        28 Nov          29 Nov\n",
            "SLOT    20  21  22  23  00  01  02  03\n",
            "0 full  aaaaaaaa........................\n",
            "1 full  ....................BBBBBBBB....\n",
            "2 full  xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
            "\n",
            ".  free\n",
            "A  alice (capital: reserved, small: in use)\n",
            "B  bob (capital: reserved, small: in use)\n",
            "x  out of service\n",
            "Times are UTC.\n",
        )
    );
}

prop_compose! {
    fn any_reserved()(
        from in 0..14 * 24i64, lasts in 1..30i64, days in prop::collection::vec(0..7usize, 0..3),
        last in prop::option::of(0..40 * 24i64),
    ) -> Reserved {
        let start = at("2026-11-02").millis();
        let hour = |count: i64| Stamp::from_millis(start + count * HOUR * 1000);
        let recur = (!days.is_empty()).then(|| Recur {
            on: days.iter().map(|&day| Day::ALL[day]).collect(),
            last: last.map(hour),
        });
        Reserved { from: hour(from), till: hour(from + lasts), recur, ..reserved(1, "u", "2026-11-02", "2026-11-03") }
    }
}

proptest! {
    #[test]
    fn two_reservations_collide_where_trying_every_hour_says_so(a in any_reserved(), b in any_reserved()) {
        let (begin, end) = (at("2026-11-01"), at("2027-02-01"));
        let all = |one: &Reserved| windows(one, begin, end).collect::<Vec<_>>();
        let naive = all(&a).iter().any(|x| all(&b).iter().any(|y| x.0 < y.1 && y.0 < x.1));
        prop_assert_eq!(overlap(&a, &b).is_some(), naive);
        prop_assert_eq!(overlap(&b, &a).is_some(), naive);
        if let Some((from, till)) = overlap(&a, &b) {
            prop_assert!(from < till);
        }
    }

    #[test]
    fn windows_of_a_stretch_are_those_of_for_ever_that_meet_it(
        one in any_reserved(), begin in 0..60 * 24i64, lasts in 0..200i64,
    ) {
        let start = at("2026-11-01").millis();
        let hour = |count: i64| Stamp::from_millis(start + count * HOUR * 1000);
        let (begin, end) = (hour(begin), hour(begin + lasts));
        let all: Vec<_> = windows(&one, at("2026-10-01"), at("2027-06-01"))
            .filter(|window| window.0 < end && window.1 > begin).collect();
        prop_assert_eq!(windows(&one, begin, end).collect::<Vec<_>>(), all);
    }

    #[test]
    fn one_that_repeats_more_often_than_it_lasts_overlaps_itself(hours in 1..60i64) {
        let from = at("2026-11-02T08:00");
        let till = Stamp::from_millis(from.millis() + hours * HOUR * 1000);
        let daily = Reserved { from, till, ..weekly(&Day::ALL, reserved(1, "u", "2026-11-02", "2026-11-03")) };
        prop_assert_eq!(overlaps_itself(&daily), hours > 24);
    }
}
