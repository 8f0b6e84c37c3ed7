// A quiet place to draw: <div data-drawing>. What is drawn is kept on this device (drafts.js) line by line until it has
// been added. Without this script, or without a pointer, one adds a picture from a file.
import { send } from "./add-file.js";
import { draftsOf } from "./drafts.js";
import { meta } from "./server.js";

const PAPER = "#fdfbf6";
const FINE = 5;
const WIDE = 22;
const WORDS = { kept: "Kept on this device until you add it.", empty: "There is nothing to add yet." };

export function install(panel) {
  const owner = meta("kap-user");
  if (owner) new Drawing(panel, draftsOf(owner)).start();
}

class Drawing {
  constructor(panel, drafts) {
    const part = (name) => panel.querySelector(`[data-drawing-${name}]`);
    this.panel = panel;
    this.drafts = drafts;
    this.name = `drawing:${panel.dataset.entry}`;
    this.pad = part("pad");
    this.context = this.pad.getContext("2d");
    this.wide = part("wide");
    this.words = part("words");
    this.says = part("says");
    this.buttons = { undo: part("undo"), clear: part("clear"), keep: part("keep") };
    this.lines = []; // {ink, width, points: [x, y, x, y, …]}, or {cleared: lines}
    this.device = Promise.resolve();
  }

  async start() {
    this.panel.hidden = false;
    this.lines = (await this.drafts.get(this.name).catch(() => null)) ?? [];
    this.draw();
    this.pad.addEventListener("pointerdown", (event) => this.begin(event));
    this.pad.addEventListener("pointermove", (event) => this.goOn(event));
    for (const end of ["pointerup", "pointercancel"]) this.pad.addEventListener(end, () => this.end());
    this.buttons.undo.addEventListener("click", () => this.undo());
    this.buttons.clear.addEventListener("click", () => this.clear());
    this.buttons.keep.addEventListener("click", () => this.add());
  }

  place({ clientX, clientY }) {
    const { left, top, width, height } = this.pad.getBoundingClientRect();
    return [Math.round(((clientX - left) / width) * this.pad.width), Math.round(((clientY - top) / height) * this.pad.height)];
  }

  begin(event) {
    if (!event.isPrimary || event.button !== 0) return;
    this.pad.setPointerCapture(event.pointerId);
    const ink = this.panel.querySelector('input[name="ink"]:checked').value;
    this.line = { ink, width: this.wide.checked ? WIDE : FINE, points: this.place(event) };
    this.lines.push(this.line);
    this.draw();
  }

  goOn(event) {
    if (!this.line) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) this.line.points.push(...this.place(each));
    this.draw();
  }

  end() {
    if (!this.line) return;
    this.line = null;
    this.keep();
  }

  undo() {
    const last = this.lines.pop();
    if (last?.cleared) this.lines = last.cleared;
    this.draw();
    this.keep();
  }

  clear() {
    if (!this.isEmpty()) this.lines = [{ cleared: this.lines }];
    this.draw();
    this.keep();
  }

  isEmpty() { return !this.lines.some(({ points }) => points); }

  draw() {
    const { context, pad } = this;
    context.fillStyle = PAPER;
    context.fillRect(0, 0, pad.width, pad.height);
    context.lineCap = context.lineJoin = "round";
    for (const { ink, width, points } of this.lines) {
      if (!points) continue;
      context.strokeStyle = ink;
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(points[0], points[1]);
      if (points.length === 2) context.lineTo(points[0], points[1]);
      for (let at = 2; at < points.length; at += 2) context.lineTo(points[at], points[at + 1]);
      context.stroke();
    }
  }

  /** Write the lines of now down, after whatever is being written. */
  keep() {
    const lines = structuredClone(this.lines);
    this.device = this.device
      .then(() => (lines.length ? this.drafts.put(this.name, lines) : this.drafts.remove(this.name)))
      .then(() => { this.says.textContent = lines.length ? WORDS.kept : ""; }, () => {});
    return this.device;
  }

  async add() {
    if (this.isEmpty()) {
      this.says.textContent = WORDS.empty;
      return;
    }
    if (this.adding) return;
    this.adding = true;
    this.file ??= crypto.randomUUID(); // the same, should an answer get lost
    const body = new FormData();
    body.set("file_id", this.file);
    body.set("words", this.words.value);
    body.set("picture", await new Promise((resolve) => { this.pad.toBlob(resolve, "image/png"); }), "drawing.png");
    if (await send(this.panel.dataset.pictures, body, this.says)) {
      this.file = undefined;
      this.words.value = "";
      this.lines = [];
      this.draw();
      await this.device;
      await this.drafts.remove(this.name).catch(() => {});
    }
    this.adding = false;
  }
}
