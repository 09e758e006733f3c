//! Events and counts for people.

use ds01_eventlog::{Record, Summary};
use ds01_text::{Table, printable};
use serde_json::Value;

/// `2026-11-28T20:30:11Z  gpu.allocate  alice  container=a._.alice gpu=0:1`
pub fn line(record: &Record) -> String {
    let user = record.user.as_deref().unwrap_or("-");
    let details: Vec<String> =
        record.details.iter().map(|(key, value)| format!("{key}={}", word(value))).collect();
    // Seconds are enough for people, and keep the columns straight.
    let moment = record.timestamp.utc().format("%Y-%m-%dT%H:%M:%SZ");
    let line = format!("{moment}  {:<24}  {user:<12}  {}", record.event_type, details.join(" "));
    printable(line.trim_end()) + "\n"
}

/// In quotes where it would not be seen as one word.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() && !text.contains([' ', '"', '=', '\n']) => {
            text.clone()
        }
        other => other.to_string(),
    }
}

pub fn summary_text(summary: &Summary) -> String {
    let (Some(first), Some(last)) = (summary.first, summary.last) else {
        return "no events\n".into();
    };
    let table = |head: [&str; 2], counts: &std::collections::BTreeMap<String, u64>| {
        let mut rows: Vec<_> = counts.iter().collect();
        // The most frequent first; equal ones stay in the order of their names.
        rows.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let mut table = Table::new(head);
        for (name, count) in rows {
            table.row([count.to_string(), if name.is_empty() { "-" } else { name }.to_owned()]);
        }
        table.render()
    };
    format!(
        "{} events from {first} to {last}\n\n{}\n{}",
        summary.events,
        table(["EVENTS", "TYPE"], &summary.by_type),
        table(["EVENTS", "USER"], &summary.by_user),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_it_holds() {
        let record = Record::read(
            br#"{"timestamp":"2026-02-01T12:00:00.123Z","event_type":"gpu.hold","user":"bob","details":{"container":"a._.bob","why":"two\nlines \u001b[2J","n":1}}"#,
        );
        assert_eq!(
            line(&record.unwrap()),
            "2026-02-01T12:00:00Z  gpu.hold                  bob           container=a._.bob why=\"two\\nlines \\u001b[2J\" n=1\n"
        );
    }
}
