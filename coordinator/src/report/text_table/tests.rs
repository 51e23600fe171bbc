use proptest::{collection::vec, prelude::*};

use super::*;

fn table() -> Table {
    let mut table = Table::new([
        Column::text("final"),
        Column::right("error ± std"),
        Column::right("epochs").rank(2),
        Column::right("AUC").rank(1),
        Column::right("n"),
    ]);
    table.span("CNN weight sharing & Aux");
    for rate in ["0.1", "0.05"] {
        let name = format!("  auxiliary_weight=0.5 learning_rate={rate}");
        table.row([name, "0.1016 ± 0.0078".into(), "44.5".into(), "0.9612".into(), "10/10".into()]);
    }
    table
}

#[test]
fn a_table_with_room_has_everything_in_one_line() {
    let expected = "\
final                                    error ± std  epochs     AUC      n
─────────────────────────────────────────────────────────────────────────────
CNN weight sharing & Aux
  auxiliary_weight=0.5 learning_rate=0.1   0.1016 ± 0.0078    44.5  0.9612  10/10
";
    let rendered = table().render(100);
    assert_eq!(rendered.lines().count(), 5, "{rendered}");
    assert_eq!(
        rendered.lines().nth(3).map(str::split_whitespace).unwrap().count(),
        expected.lines().nth(3).unwrap().split_whitespace().count()
    );
    assert!(
        rendered.lines().nth(4).unwrap().ends_with("learning_rate=0.05  0.1016 ± 0.0078    44.5  0.9612  10/10"),
        "{rendered}"
    );
}

#[test]
fn texts_are_broken_before_columns_are_left_out_by_rank() {
    let at = |width| table().render(width);
    assert!(at(70).contains("    learning_rate=0.1\n") && at(70).contains("epochs"), "{}", at(70));
    assert!(!at(60).contains("44.5") && at(60).contains("AUC"), "{}", at(60));
    assert!(at(60).ends_with("(a wider terminal has epochs, too)\n"), "{}", at(60));
    assert!(
        at(50).contains("(a wider terminal has epochs, AUC, too)") && at(50).contains("0.1016 ± 0.0078"),
        "{}",
        at(50)
    );
}

#[test]
fn numbers_stand_below_their_text_where_nothing_else_helps() {
    let rendered = table().render(42);
    let row = "  auxiliary_weight=0.5 learning_rate=0.1\n    0.1016 ± 0.0078  10/10\n";
    assert!(rendered.contains(row), "{rendered}");
}

#[test]
fn empty_columns_are_not_there() {
    let mut table = Table::new([Column::left("a"), Column::left("b"), Column::left("c")]);
    table.row(["1".to_owned(), String::new(), "3".to_owned()]);
    assert_eq!(table.render(40), "a  c\n────\n1  3\n");
}

proptest! {
    /// No line is longer than the width unless a word is, whatever the table, and what has no rank is all there.
    #[test]
    fn no_line_is_longer_than_the_width(
        rows in vec((" {0,4}[a-z=.é]{1,16}( [a-z=.é]{1,16}){0,8}", "[0-9.]{1,9}", "[0-9.±]{1,16}", "[a-z]{1,12}"), 1..6),
        width in 40_usize..130,
        indent in 0_usize..4,
    ) {
        let columns = [Column::left("word"), Column::right("number").rank(3), Column::text("text"), Column::right("value")];
        let mut table = Table::new(columns).indented(indent);
        for (text, number, value, word) in &rows {
            table.row([word.clone(), number.clone(), text.clone(), value.clone()]);
        }
        let rendered = table.render(width);
        let found: Vec<&str> = rendered.split_whitespace().collect();
        for (text, _, value, word) in &rows {
            prop_assert!(text.split_whitespace().chain([value.as_str(), word]).all(|part| found.contains(&part)), "{}", rendered);
        }
        for line in rendered.lines() {
            prop_assert!(seedgrid_common::terminal::columns(line) <= width, "{}\n{}", line, rendered);
            prop_assert_eq!(line.trim_end(), line);
        }
    }
}
