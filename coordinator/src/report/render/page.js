"use strict";
(function () {
  // Sorting: a button in each header goes from ascending to descending to the order in which the page came.
  function number(text) {
    var plain = text.replace(/\u2212/g, "-").replace(/,(?=\d{3})/g, "");
    var found = /^\s*(<?)\s*([+-]?\d+(?:\.\d+)?)(?![\w.])/.exec(plain);
    // "< 0.0001" comes before 0.0001.
    return found ? Number(found[2]) - (found[1] ? 1e-9 : 0) : null;
  }
  function compare(numeric) {
    return function (a, b) {
      if (a.key === null || b.key === null) return (a.key === null) - (b.key === null);
      return numeric ? a.key - b.key : a.key.localeCompare(b.key, "en", { numeric: true });
    };
  }
  function sort(body, rows, column, direction) {
    var keyed = rows.map(function (row) {
      var text = row.cells[column].textContent.trim();
      return { row: row, key: text === "" || text === "\u2013" ? null : text };
    });
    var numeric = column > 0 && keyed.every(function (one) { return one.key === null || number(one.key) !== null; });
    if (numeric) keyed.forEach(function (one) { if (one.key !== null) one.key = number(one.key); });
    var order = compare(numeric);
    keyed.sort(function (a, b) {
      // What is missing stays last either way.
      var missing = (a.key === null) - (b.key === null);
      return missing || direction * order(a, b);
    });
    keyed.forEach(function (one) { body.appendChild(one.row); });
  }
  document.querySelectorAll("table.sortable").forEach(function (table) {
    var body = table.tBodies[0], rows = Array.from(body.rows), headers = Array.from(table.tHead.rows[0].cells);
    headers.forEach(function (header, column) {
      var button = document.createElement("button");
      button.type = "button";
      button.title = "Sort by this column";
      button.append.apply(button, Array.from(header.childNodes));
      header.appendChild(button);
      button.addEventListener("click", function () {
        var before = header.getAttribute("aria-sort");
        headers.forEach(function (other) { other.removeAttribute("aria-sort"); });
        if (before === "descending") {
          rows.forEach(function (row) { body.appendChild(row); });
        } else {
          header.setAttribute("aria-sort", before ? "descending" : "ascending");
          sort(body, rows, column, before ? -1 : 1);
        }
      });
    });
  });
  // Says of what is wider than its place that it scrolls, also of what is opened later.
  function cue() {
    document.querySelectorAll(".scroll, .drawing").forEach(function (one) {
      one.classList.toggle("overflows", one.scrollWidth > one.clientWidth + 1);
    });
  }
  addEventListener("resize", cue);
  document.addEventListener("toggle", cue, true);
  cue();
  // Links into what is folded open it, in browsers that do not do so by themselves.
  function reveal() {
    var target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    var folded = false;
    for (var one = target; one; one = one.parentElement) {
      if (one.tagName === "DETAILS" && !one.open) one.open = folded = true;
    }
    if (folded) target.scrollIntoView();
  }
  addEventListener("hashchange", reveal);
  document.addEventListener("click", function (event) {
    var link = event.target.closest("a[href^='#']");
    if (link && link.hash === location.hash) reveal();
  });
  reveal();
})();
