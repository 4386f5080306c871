"use strict";
// Sorts, filters and searches the rows of each table that says so. Everything is on the page; nothing is fetched.
for (const table of document.querySelectorAll("table[data-tools]")) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const order = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  const tools = document.getElementById(table.dataset.tools);
  const said = tools.querySelector("[data-said]");

  const value = (row, column) => row.cells[column].dataset.v ?? row.cells[column].textContent.trim();
  const compare = (a, b) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    const x = Number(a), y = Number(b);
    return Number.isNaN(x) || Number.isNaN(y) ? order.compare(a, b) : x - y;
  };

  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const keyed = rows.map((row, place) => [value(row, head.cellIndex), place, row]);
      keyed.sort((a, b) => {
        const empty = (a[0] === "") - (b[0] === "");
        return empty || (down ? -1 : 1) * compare(a[0], b[0]) || a[1] - b[1];
      });
      body.append(...keyed.map((item) => item[2]));
    });
  }

  const fields = [...tools.querySelectorAll("input, select")];
  const text = rows.map((row) => row.textContent.toLowerCase());
  const show = () => {
    let count = 0;
    rows.forEach((row, place) => {
      const fits = fields.every((field) => {
        const wanted = field.value.trim().toLowerCase();
        if (wanted === "") return true;
        if (field.type === "search") return text[place].includes(wanted);
        return (row.dataset[field.name] ?? "").split(" ").includes(wanted);
      });
      row.hidden = !fits;
      count += fits;
    });
    said.textContent = `${count} of ${rows.length} shown`;
  };
  for (const field of fields) field.addEventListener("input", show);
  tools.hidden = false;
  show();
}
