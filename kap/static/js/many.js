// Ticking several tracks of a list: how many are ticked, and all of a page at once. <section data-many> from
// music/library.html; without this script the ticks and the buttons below the list work alone.
const WORDS = {
  none: "Tick tracks to change several at once.",
  some: (count) => `${count} ${count === 1 ? "track" : "tracks"} ticked.`,
};

export function install(section) {
  const said = section.querySelector("[data-ticked]");
  const page = section.querySelector("[data-tick-page]");
  if (said === null) return;
  const all = page.querySelector("input");
  const boxes = () => [...section.querySelectorAll('input[name="track"]')];

  const show = () => {
    const ticked = boxes().filter((box) => box.checked).length;
    said.textContent = ticked ? WORDS.some(ticked) : WORDS.none;
    all.checked = ticked > 0 && ticked === boxes().length;
    all.indeterminate = ticked > 0 && !all.checked;
  };
  all.addEventListener("change", () => {
    for (const box of boxes()) box.checked = all.checked;
    show();
  });
  section.addEventListener("change", (event) => { if (event.target.name === "track") show(); });
  page.hidden = false;
  show();
}
