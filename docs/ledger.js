// The ledger's filters (paper, experiment, verdict) and its pages of 25 claims.
// Without this script the page is a table for each experiment.
document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("ledger-filters");
  if (!place) return;
  const papers = JSON.parse(document.getElementById("ledger-papers").textContent);
  const claimsOnAPage = 25;

  // A section is an experiment: its heading, its command, and the rows of its table.
  const sections = [...document.querySelectorAll("article h2[id]")].map((heading) => {
    const parts = [heading];
    for (let e = heading.nextElementSibling; e && e.tagName !== "H2"; e = e.nextElementSibling) {
      if (e.tagName !== "SCRIPT") parts.push(e);
    }
    const rows = parts.flatMap((part) => [...part.querySelectorAll("tbody tr")]);
    return { name: heading.id, parts, rows };
  }).filter((section) => section.rows.length);

  const choices = (label, values) => {
    const box = document.createElement("label");
    const select = document.createElement("select");
    box.append(`${label} `, select);
    values.forEach((value) => select.add(new Option(value)));
    select.addEventListener("change", () => show(0));
    place.append(box);
    return select;
  };
  const all = "all";
  const names = sections.map((section) => section.name);
  const paper = choices("Paper", [all, ...new Set(names.map((name) => papers[name]))]);
  const experiment = choices("Experiment", [all, ...names]);
  const verdict = choices("Verdict", [all, "holds", "fails"]);
  const button = (text, step) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", () => show(page + step));
    return made;
  };
  const [back, forth] = [button("Back", -1), button("Next", 1)];
  const count = document.createElement("span");
  count.setAttribute("aria-live", "polite");
  place.append(back, forth, count);
  let page = 0;

  function show(wanted) {
    page = wanted;
    const fits = (section, row) =>
      [all, papers[section.name]].includes(paper.value) &&
      [all, section.name].includes(experiment.value) &&
      [all, row.cells[0].textContent.trim() === "yes" ? "holds" : "fails"].includes(verdict.value);
    let found = 0;
    const first = page * claimsOnAPage;
    for (const section of sections) {
      let shown = 0;
      for (const row of section.rows) {
        const here = fits(section, row) && ++found > first && found <= first + claimsOnAPage;
        row.hidden = !here;
        shown += here;
      }
      section.parts.forEach((part) => { part.hidden = !shown; });
    }
    const last = Math.min(first + claimsOnAPage, found);
    count.textContent = found ? `rows ${first + 1} to ${last} of ${found}` : "no row";
    back.disabled = page === 0;
    forth.disabled = last >= found;
  }

  const asked = decodeURIComponent(location.hash.slice(1));
  if (names.includes(asked)) experiment.value = asked;
  show(0);
});
