// Dragging the pieces of a playlist into another order: <ol data-places> whose items carry what `arrange` calls them.
// The buttons up and down remain for the keyboard, and for a page without scripts.
const EDGE_PX = 70;
const SCROLL_PX = 14;

export function install(list) {
  const form = document.getElementById("arrange");
  if (!form) return;
  for (const grip of list.querySelectorAll("[data-grip]")) {
    grip.hidden = false;
    grip.addEventListener("pointerdown", (event) => new Drag(list, form, grip).begin(event));
  }
}

const pieces = (list) => [...list.querySelectorAll("[data-place]")];
const middle = (item) => {
  const box = item.getBoundingClientRect();
  return box.top + box.height / 2;
};
const order = (list) => pieces(list).map((item) => item.dataset.place).join(",");

class Drag {
  constructor(list, form, grip) {
    Object.assign(this, { list, form, grip, item: grip.closest("li") });
  }

  begin(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.before = [...this.list.children];
    this.was = order(this.list);
    this.item.classList.add("dragged");
    this.grip.setPointerCapture(event.pointerId);
    const ended = new AbortController();
    const on = (name, act) => this.grip.addEventListener(name, act, { signal: ended.signal });
    on("pointermove", (moved) => this.move(moved.clientY));
    on("pointerup", () => { ended.abort(); this.drop(); });
    on("pointercancel", () => { ended.abort(); this.giveUp(); });
    addEventListener("keydown", (key) => {
      if (key.key !== "Escape") return;
      ended.abort();
      this.giveUp();
    }, { signal: ended.signal });
  }

  /** Others make way for the piece, which stays attached: a pointer is lost to what leaves the page. */
  move(y) {
    if (y < EDGE_PX) scrollBy(0, -SCROLL_PX);
    else if (y > innerHeight - EDGE_PX) scrollBy(0, SCROLL_PX);
    for (;;) {
      const all = pieces(this.list);
      const here = all.indexOf(this.item);
      if (here > 0 && y < middle(all[here - 1])) this.item.after(all[here - 1]);
      else if (here < all.length - 1 && y > middle(all[here + 1])) this.item.before(all[here + 1]);
      else return;
    }
  }

  drop() {
    this.item.classList.remove("dragged");
    const now = order(this.list);
    if (now === this.was) return;
    this.form.elements.places.value = now;
    this.form.requestSubmit();
  }

  giveUp() {
    this.item.classList.remove("dragged");
    this.list.append(...this.before);
  }
}
