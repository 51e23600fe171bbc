//! Tables of LaTeX.

use super::*;

#[test]
fn latex_compiles_the_tables() {
    if Command::new("pdflatex").arg("--version").output().is_err() {
        println!("skipped: pdflatex is not installed (Debian: texlive-latex-recommended)");
        return;
    }
    let mut study = Synthetic::new("a_b & 5 % $x$", 40, vec![holdout("final_#1", 1..=3, five())]);
    study.study.references = table_3("final_#1");
    let letters: String = ('\u{a0}'..='\u{17f}').chain("ДЖ数≤×±√–−†".chars()).collect();
    study.study.references[0].source = format!("Table III ~^\\x{{}} {letters}");
    let mut aggregate = study.aggregate();
    select(&mut aggregate, 0, "fc", 4);
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("run/report");
    write(&report, &aggregate, &provenance("a")).unwrap();
    let names = files(&report).unwrap().into_keys().filter(|name| name.ends_with(".tex"));
    let names: Vec<String> = names.collect();
    let tables = &texts(files(&report).unwrap())["tables.tex"];
    assert_eq!(tables.matches("\\begin{table}").count(), 5 + 4, "one a network, and those of the stage");
    assert!(tables.contains("FC Network $\\dagger$ &") && tables.contains("$\\dagger$: selected for later stages."));
    for packages in ["booktabs", "booktabs,graphicx"] {
        let inputs: String = names.iter().map(|name| format!("\\input{{{name}}}\n")).collect();
        let page =
            format!("\\documentclass{{article}}\\usepackage{{{packages}}}\\begin{{document}}{inputs}\\end{{document}}");
        fs::write(report.join("page.tex"), page).unwrap();
        let mut latex = Command::new("pdflatex");
        latex.args(["-interaction=nonstopmode", "-halt-on-error", "page.tex"]).current_dir(&report);
        let ended = latex.output().unwrap();
        let said = String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success(), "{packages}: {said}");
        let fits = !said.lines().any(|line| line.starts_with("Overfull \\hbox") && line.contains("in paragraph"));
        assert_eq!(fits, packages.contains("graphicx"), "{packages}: {said}");
    }
}

#[test]
fn latex_breaks_long_variants() {
    let widths = [vec![50, 10], vec![150, 50, 20, 10]].map(Value::Integers);
    let axes: [(&str, &[Value]); 3] = [
        ("hidden", &widths),
        ("learning_rate", &[Value::Number(0.012_34), Value::Number(0.1)]),
        ("initial_scale", &[Value::Number(1.0), Value::Number(0.5)]),
    ];
    let study = Synthetic::new("long", 40, vec![holdout("final", 1..=2, vec![row("fc", &axes)])]);
    let (_folder, files) = written(&study, &provenance("a"));
    let results = &files["results-final.tex"];
    assert!(results.contains("\\label{tab:final}"), "{results}");
    let (_, rows) = results.split_once("\\midrule\n").unwrap();
    let (rows, _) = rows.split_once("    \\bottomrule").unwrap();
    let cells: Vec<Vec<&str>> =
        rows.lines().map(|line| line.trim_end_matches(" \\\\").split(" & ").map(str::trim).collect()).collect();
    assert_eq!(cells.len(), 8);
    assert_eq!(cells[0][..4], ["FC Network", "[50, 10]", "1", "0.01234"], "hyper-parameters are columns");
    assert!(cells[1..].iter().all(|row| row[0].is_empty()), "the model stands once: {cells:?}");
    // Pairs are named by what tells them apart, which is broken.
    let pairs = &files["comparisons-final.tex"];
    assert!(pairs.contains("\\label{tab:comparisons:final}"), "{pairs}");
    let (_, rows) = pairs.split_once("\\midrule\n").unwrap();
    let names: Vec<&str> = rows.lines().filter_map(|line| Some(line.split_once(" &")?.0.trim())).collect();
    assert!(names.len() > 28 && names.iter().all(|name| name.replace('\\', "").chars().count() <= 40), "{names:?}");
}
