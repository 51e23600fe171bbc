//! The order of the page: the answer first, tuning folded and sorted, hyper-parameters as columns, and pictures of a bounded size.

use super::*;

/// A stage that selects among twelve configurations of one model, and a last one.
fn tuned() -> Aggregate {
    let rates = [0.01, 0.02, 0.05, 0.1].map(Value::Number);
    let batches = [20, 50, 100].map(Value::Integer);
    let axes: [(&str, &[Value]); 2] = [("learning_rate", &rates), ("batch_size", &batches)];
    let tune = cross_validation("tune", 4, 1..=1, vec![row("fc", &axes)]);
    let mut aggregate =
        Synthetic::new("tuned", 80, vec![tune, holdout("final", 1..=3, vec![row("fc", &[]), row("cnn", &[])])])
            .aggregate();
    // Not the best one, so that both are marked.
    let second = aggregate.report.stages[0].configurations.iter().find(|row| row.rank == 2).unwrap().number;
    select(&mut aggregate, 0, "fc", second);
    aggregate
}

fn texts_of(aggregate: &Aggregate) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), aggregate, &provenance("a")).unwrap();
    texts(files(folder.path()).unwrap())
}

fn in_order(text: &str, parts: &[&str]) {
    let places: Vec<usize> =
        parts.iter().map(|part| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"))).collect();
    assert!(places.is_sorted(), "{parts:?}: {places:?}");
}

#[test]
fn the_answer_stands_first_and_tuning_is_folded() {
    let aggregate = tuned();
    let files = texts_of(&aggregate);
    let task = "Each network predicts from a pair of 14 x 14 images of digits";
    let best = "Stage final: Lowest mean error: ";
    let selected =
        "Selected in stage tune for later stages, by the lowest mean validation error: FC Network (batch_size=";
    let page = &files["report.html"];
    let folded = "<details id=\"parts-1\"><summary>Tables and figures of stage tune</summary>";
    in_order(
        page,
        &[
            task,
            best,
            selected,
            "<nav ",
            "id=\"stage-2\"",
            "id=\"table-2\"",
            "id=\"stage-1\"",
            folded,
            "id=\"table-1\"",
        ],
    );
    let summary = "<summary>Tables and figures of stage tune</summary>";
    in_order(
        &files["report.md"],
        &[task, best, selected, "## Stage final", "## Stage tune", summary, "#### Results", "</details>"],
    );
    let terminal = terminal_table(&aggregate, 100).split_whitespace().collect::<Vec<_>>().join(" ");
    in_order(&terminal, &[task, best, selected, "final Error", "tune Error"]);
    assert!(
        page.contains("Of 1 comparison") && files["report.md"].contains("Of 1 comparison"),
        "the comparison asked for"
    );
}

#[test]
fn tables_have_a_column_for_each_hyper_parameter_and_tuning_is_sorted_by_its_metric() {
    let files = texts_of(&tuned());
    let table = files["report.md"].split("#### Results of each configuration").nth(1).unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter(|line| line.starts_with("| "))
        .take(2 + 12)
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert_eq!(rows[0][..4], ["Model", "batch_size", "learning_rate", "Error"]);
    let error = |row: &Vec<&str>| row[3].trim_matches('*').split(' ').next().unwrap().parse::<f64>().unwrap();
    let errors: Vec<f64> = rows[2..].iter().map(error).collect();
    assert!(errors.len() == 12 && errors.is_sorted(), "{errors:?}");
    assert_eq!((rows[2][0], rows[3][0]), ("FC Network", "FC Network (selected)"));
    for (row, error) in rows[2..].iter().zip(&errors) {
        assert_eq!(row[3].starts_with("**"), *error == errors[0], "the lowest error is bold: {row:?}");
    }
    let settings: BTreeSet<(&str, &str)> = rows[2..].iter().map(|row| (row[1], row[2])).collect();
    assert_eq!(settings.len(), 12);
}

#[test]
fn a_tuning_stage_shows_its_metric_by_each_hyper_parameter() {
    let files = texts_of(&tuned());
    let svg = &files["axes-tune.svg"];
    let count = |text: &str| svg.matches(text).count();
    assert_eq!((count(">learning_rate</text>"), count(">batch_size</text>")), (1, 1));
    assert_eq!(count("<circle"), 2 * (12 + 1), "each configuration in each panel, and a ring around the selected one");
    assert_eq!(count(", selected</title>"), 2);
    assert!(!files.contains_key("axes-final.svg"), "nothing was tuned there");
    for figure in ["errors", "comparisons"] {
        assert_eq!(files[&format!("{figure}-tune.svg")].matches("#e3eef8").count(), 1, "its row in {figure}");
    }
    for figure in ["roc", "learning"] {
        assert!(files[&format!("{figure}-tune.svg")].contains("(selected)</title>"), "{figure}");
    }
}

#[test]
fn forest_plots_have_settings_in_columns_that_leave_each_other_room() {
    let files = texts_of(&tuned());
    for figure in ["errors-tune.svg", "comparisons-tune.svg"] {
        let document = roxmltree::Document::parse(&files[figure]).unwrap();
        let texts = document.descendants().filter(|node| node.has_tag_name("text"));
        let number = |node: &roxmltree::Node<'_, '_>, name: &str| node.attribute(name).unwrap().parse::<f64>().unwrap();
        let mut lines: BTreeMap<String, Vec<(f64, f64, &str)>> = BTreeMap::new();
        for text in texts.filter(|text| text.attribute("text-anchor") == Some("start")) {
            let (x, says) = (number(&text, "x"), text.text().unwrap());
            assert!(!says.contains('='), "{figure}: the head of a column names the setting: {says}");
            let end = x + 0.5 * number(&text, "font-size") * says.chars().count() as f64;
            lines.entry(text.attribute("y").unwrap().to_owned()).or_default().push((x, end, says));
        }
        let all: BTreeSet<&str> = lines.values().flatten().map(|(.., says)| *says).collect();
        assert!(
            ["learning_", "rate", "batch_", "size", "0.05", "100"].iter().all(|says| all.contains(says)),
            "{all:?}"
        );
        for line in lines.values_mut() {
            line.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert!(line.windows(2).all(|two| two[0].1 < two[1].0), "{figure}: {line:?}");
        }
    }
}

#[test]
fn a_figure_of_many_pairs_fits_on_a_page() {
    let aggregate = tuned();
    let files = texts_of(&aggregate);
    let svg = &files["comparisons-tune.svg"];
    let height: f64 =
        roxmltree::Document::parse(svg).unwrap().root_element().attribute("height").unwrap().parse().unwrap();
    assert!(height <= 864.0, "{height} pixels are more than 9 inches");
    assert_eq!(svg.matches("<circle").count(), 11, "each of the others next to the best one");
    assert!(svg.contains(">mean error above the best one&#39;s</text>"));
    let stage = &aggregate.report.stages[0];
    let best = stage.configurations.iter().find(|row| row.rank == 1).unwrap();
    for pair in stage.comparisons.pairs.iter().filter(|pair| [pair.first, pair.second].contains(&best.number)) {
        let difference = pair.difference.unwrap() * if pair.first == best.number { -1.0 } else { 1.0 };
        let sign = match difference {
            _ if difference.abs() < 0.00005 => "",
            below if below < 0.0 => "−",
            _ => "+",
        };
        let number = format!(">{sign}{:.4}", difference.abs());
        assert!(svg.contains(&number), "{number}");
    }
    for name in ["report.html", "report.md"] {
        let text = files[name].replace("&#39;", "'");
        assert!(text.contains("Only the 11 pairs with that one are shown; the table below has all 66."), "{name}");
        assert!(text.contains(&format!("Mean error minus that of {}, the lowest one", best.heading())), "{name}");
    }
}

#[test]
fn tests_have_columns_where_there_are_any_of_them() {
    let (_folder, files) = written(&small(), &provenance("a"));
    for (stage, has) in [("final", true), ("tune", false)] {
        let table = &files[&format!("comparisons-{stage}.tex")];
        for column in ["Wrong alone", "p (McNemar)", "p (AUC)"] {
            assert_eq!(table.contains(&format!("& {column}")), has, "{stage}: {column}: {table}");
        }
    }
}

#[test]
fn a_table_of_latex_is_a_file_with_a_label() {
    let (_folder, files) = written(&small(), &provenance("a"));
    for (file, label) in [
        ("results-final", "tab:final"),
        ("comparisons-final", "tab:comparisons:final"),
        ("references-final", "tab:references:final"),
        ("ensembles-final", "tab:ensembles:final"),
        ("network-fc", "tab:network:fc"),
    ] {
        let table = &files[&format!("{file}.tex")];
        assert_eq!(table.matches("\\begin{table}").count(), 1, "{file}");
        assert!(table.contains(&format!("\\label{{{label}}}")), "{file}: {table}");
    }
}

#[test]
fn pictures_have_a_bounded_number_of_dots_and_lines() {
    let rates: Vec<Value> = (1..=260).map(|rate| Value::Number(f64::from(rate) / 1000.0)).collect();
    let tune = cross_validation("tune", 2, 1..=1, vec![row("fc", &[("learning_rate", &rates)])]);
    let mut aggregate =
        Synthetic::new("many", 20, vec![tune, holdout("final", 1..=230, vec![row("fc", &[])])]).aggregate();
    select(&mut aggregate, 0, "fc", 7);
    let files = texts_of(&aggregate);
    let count = |file: &str, what: &str| files[file].matches(what).count();
    assert_eq!(count("axes-tune.svg", "<circle"), 200 + 1);
    assert_eq!(count("errors-final.svg", "<circle"), 200);
    // The lowest and the highest error are among them.
    let errors = aggregate.curves[1][0].units.iter().filter_map(|unit| unit.error);
    let [low, high] = [f64::min, f64::max].map(|pick| errors.clone().reduce(pick).unwrap());
    assert!([low, high].iter().all(|error| files["errors-final.svg"].contains(&format!(": {error:.4}</title>"))));
    assert!(count("errors-tune.svg", "<circle") <= 31 * 2, "30 rows and the selected one");
    assert!(count("roc-tune.svg", "<polyline") <= 60 + 4, "{}", count("roc-tune.svg", "<polyline"));
    assert!(count("learning-tune.svg", "<polyline") <= 3 * (60 + 2 + 2), "{}", count("learning-tune.svg", "<polyline"));
    assert!(count("learning-final.svg", "<polyline") <= 2 * (60 + 1), "{}", count("learning-final.svg", "<polyline"));
}

#[test]
fn where_no_unit_has_a_curve_there_are_no_folds_for_them() {
    let mut aggregate = tuned();
    let folds = |files: &BTreeMap<String, String>| files["report.html"].matches("curves-of-").count();
    assert!(folds(&texts_of(&aggregate)) > 12);
    aggregate.drawn = 0;
    let files = texts_of(&aggregate);
    assert_eq!(folds(&files), 0, "and no links to them");
    assert!(files["report.html"].contains("too many configurations for a learning curve of each unit"));
}
