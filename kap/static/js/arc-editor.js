// The curve of an arc as points to drag: <form data-arc-editor> with a table of points, which remains what is sent.
// Every change goes into the table, and every change of the table shows in the drawing.
const SVG = "http://www.w3.org/2000/svg";
const [HIGH, LEFT, RIGHT, TOP, BOTTOM] = [300, 34, 14, 14, 30];
const NAME_PX = 84;
const REACH = 24;
const STEP = { minute: 1, intensity: 0.05 };
const SAME_MIN = 0.5;
const WORDS = {
  name: (number) => `Point ${number}`,
  at: (minute, intensity) => `minute ${minute}, intensity ${intensity}`,
  moved: (number, words) => `Point ${number}: ${words}.`,
  added: (number) => `Point ${number} added.`,
  gone: "Point deleted.",
  most: "An arc has no room for more points.",
  remove: "Remove",
  inTable: (what, number) => `${what} of point ${number}`,
};

export function install(form) {
  new Editor(form).start();
}

const round = (value, step) => Math.round(value / step) * step;
const tidy = (value) => Number(value.toFixed(2));
const within = (value, low, high) => Math.min(Math.max(value, low), high);

function draw(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent?.append(element);
  return element;
}

class Editor {
  constructor(form) {
    this.form = form;
    this.board = form.querySelector("[data-arc-board]");
    this.svg = form.querySelector("[data-arc-svg]");
    this.says = form.querySelector("[data-arc-says]");
    this.rows = form.querySelector("[data-points] tbody");
    this.undoing = form.querySelector("[data-arc-undo]");
    this.redoing = form.querySelector("[data-arc-redo]");
    this.most = Number(form.dataset.mostPoints);
    this.points = this.read();
    this.past = [];
    this.ahead = [];
  }

  start() {
    this.board.hidden = false;
    new ResizeObserver(() => this.fit()).observe(this.svg);
    this.fit();
    this.form.addEventListener("input", (event) => this.typed(event));
    this.form.addEventListener("click", (event) => this.pressed(event));
    this.undoing.addEventListener("click", () => this.travel(this.past, this.ahead));
    this.redoing.addEventListener("click", () => this.travel(this.ahead, this.past));
    this.svg.addEventListener("pointerdown", (event) => this.take(event));
  }

  // What the form says.

  number(name) { return Number(this.form.elements.namedItem(name)?.value); }

  read() {
    return [...this.rows.querySelectorAll("[data-point]")]
      .map((row) => [...row.querySelectorAll("input")].map((input) => input.valueAsNumber))
      .filter(([minute, intensity]) => Number.isFinite(minute) && Number.isFinite(intensity))
      .sort((a, b) => a[0] - b[0]);
  }

  phases() {
    const rows = [...this.form.querySelectorAll("[data-phase-row]")].map((row) => ({
      label: row.querySelector('input[name$="-label"]').value,
      end: row.querySelector('input[name$="-end"]').valueAsNumber,
    })).filter(({ end }) => Number.isFinite(end)).sort((a, b) => a.end - b.end);
    let start = -this.number("lead") || 0;
    return rows.map(({ label, end }) => {
      const phase = { label, start, end };
      start = end;
      return phase;
    }).filter((phase) => phase.end > phase.start);
  }

  get span() {
    const phases = this.phases();
    const low = phases[0]?.start ?? 0;
    return [low, Math.max(phases.at(-1)?.end ?? 60, low + 1)];
  }

  // Minutes and intensities to places on the board, and back.

  x(minute) { const [low, high] = this.span; return LEFT + ((minute - low) / (high - low)) * this.width; }
  y(intensity) { return TOP + (1 - intensity) * (HIGH - TOP - BOTTOM); }

  spot(event) {
    return new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
  }

  /** The point nearest to a press, if one is in reach: what a finger covers may be more than one. */
  nearest(event) {
    const spot = this.spot(event);
    const away = this.points.map(([minute, intensity]) => Math.hypot(this.x(minute) - spot.x, this.y(intensity) - spot.y));
    const least = Math.min(...away);
    return least <= REACH ? away.indexOf(least) : -1;
  }

  at(event) {
    const point = this.spot(event);
    const [low, high] = this.span;
    return [
      within(low + ((point.x - LEFT) / this.width) * (high - low), low, high),
      within(1 - (point.y - TOP) / (HIGH - TOP - BOTTOM), 0, 1),
    ];
  }

  /** One unit of the drawing is one pixel, so that words and points keep their size on a phone. */
  fit() {
    this.width = Math.max(this.svg.clientWidth - LEFT - RIGHT, 100);
    this.svg.setAttribute("viewBox", `0 0 ${this.width + LEFT + RIGHT} ${HIGH}`);
    this.render();
  }

  // Changes.

  remember() {
    this.past.push(structuredClone(this.points));
    this.ahead = [];
  }

  travel(from, to) {
    if (from.length === 0) return;
    to.push(structuredClone(this.points));
    this.points = from.pop();
    this.write();
    this.render();
  }

  /** Between its neighbours: a point never passes another, so that its number stays its own. */
  place(index, minute, intensity) {
    const [low, high] = this.span;
    const least = index > 0 ? this.points[index - 1][0] + SAME_MIN : low;
    const most = index < this.points.length - 1 ? this.points[index + 1][0] - SAME_MIN : high;
    this.points[index] = [tidy(within(minute, least, Math.max(least, most))), tidy(within(intensity, 0, 1))];
  }

  add(minute, intensity) {
    if (this.points.length >= this.most) {
      this.says.textContent = WORDS.most;
      return -1;
    }
    this.remember();
    const point = [tidy(minute), tidy(intensity)];
    this.points.push(point);
    this.points.sort((a, b) => a[0] - b[0]);
    const index = this.points.indexOf(point);
    this.place(index, ...point);
    this.write();
    this.render();
    this.says.textContent = WORDS.added(index + 1);
    return index;
  }

  addAfter(index) {
    const here = this.points[index];
    const next = this.points[index + 1] ?? [this.span[1], here[1]];
    if (next[0] - here[0] < 2 * SAME_MIN) return;
    this.focus(this.add((here[0] + next[0]) / 2, (here[1] + next[1]) / 2));
  }

  remove(index) {
    if (this.points.length < 2) return;
    this.remember();
    this.points.splice(index, 1);
    this.write();
    this.render();
    this.says.textContent = WORDS.gone;
    this.focus(Math.min(index, this.points.length - 1));
  }

  focus(index) { this.svg.querySelectorAll("[data-handle]")[index]?.focus(); }

  typed(event) {
    if (event.target.closest("[data-points]")) this.points = this.read();
    if (event.target.closest("[data-points], [data-phase-rows], [name=lead]")) this.render();
  }

  /** The buttons of the table, without asking the server for another row. */
  pressed(event) {
    const button = event.target.closest('button[name="do"]');
    const row = button?.closest("[data-point]");
    if (row) {
      event.preventDefault();
      this.remove([...this.rows.children].indexOf(row));
    } else if (button?.hasAttribute("data-arc-add")) {
      event.preventDefault();
      const gaps = this.points.slice(1).map((point, index) => point[0] - this.points[index][0]);
      this.addAfter(gaps.length ? gaps.indexOf(Math.max(...gaps)) : 0);
    }
  }

  take(event) {
    if (event.button !== 0) return;
    const near = this.nearest(event);
    const index = near < 0 ? this.add(...this.at(event)) : near;
    if (index < 0) return;
    event.preventDefault();
    if (near >= 0) this.remember();
    this.focus(index);
    this.svg.setPointerCapture(event.pointerId);
    const ended = new AbortController();
    const on = (name, act) => this.svg.addEventListener(name, act, { signal: ended.signal });
    on("pointermove", (moved) => {
      const [minute, intensity] = this.at(moved);
      this.place(index, round(minute, 0.5), round(intensity, 0.01));
      this.write();
      this.render();
      this.focus(index);
    });
    on("pointerup", () => { ended.abort(); this.tell(index); });
    on("pointercancel", () => ended.abort());
  }

  key(event, index) {
    const [minute, intensity] = this.points[index];
    const far = event.shiftKey ? 5 : 1;
    const moves = {
      ArrowLeft: [minute - STEP.minute * far, intensity],
      ArrowRight: [minute + STEP.minute * far, intensity],
      ArrowUp: [minute, intensity + STEP.intensity * (event.shiftKey ? 2 : 1)],
      ArrowDown: [minute, intensity - STEP.intensity * (event.shiftKey ? 2 : 1)],
    };
    if (event.key in moves) {
      this.remember();
      this.place(index, ...moves[event.key]);
      this.write();
      this.render();
      this.focus(index);
    } else if (event.key === "+" || event.key === "Insert") this.addAfter(index);
    else if (event.key === "-" || event.key === "Delete" || event.key === "Backspace") this.remove(index);
    else return;
    event.preventDefault();
  }

  tell(index) {
    this.says.textContent = WORDS.moved(index + 1, WORDS.at(...this.points[index]));
  }

  // What is seen.

  write() {
    const names = this.rows.querySelector("input").name.split("-")[0];
    this.rows.replaceChildren(...this.points.map((point, index) => this.row(names, point, index)));
  }

  row(names, point, index) {
    const row = document.createElement("tr");
    row.dataset.point = `${names}-${index}`;
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = index + 1;
    const cells = ["Minute", "Intensity"].map((label, column) => {
      const cell = document.createElement("td");
      cell.dataset.label = label;
      const input = document.createElement("input");
      Object.assign(input, {
        type: "number", step: "any", className: "control", required: true,
        name: `${names}-${index}-${label.toLowerCase()}`, value: point[column],
      });
      input.setAttribute("aria-label", WORDS.inTable(label, index + 1));
      cell.append(input);
      return cell;
    });
    const last = document.createElement("td");
    const button = document.createElement("button");
    Object.assign(button, { className: "button plain", name: "do", value: `remove-point-${index}`, textContent: WORDS.remove, formNoValidate: true });
    button.setAttribute("aria-label", `${WORDS.remove} point ${index + 1}`);
    last.append(button);
    row.append(head, ...cells, last);
    return row;
  }

  render() {
    this.undoing.disabled = this.past.length === 0;
    this.redoing.disabled = this.ahead.length === 0;
    this.svg.replaceChildren();
    this.ground();
    if (this.points.length === 0) return;
    const [low, high] = this.span;
    const flat = [[low, this.points[0][1]], ...this.points, [high, this.points.at(-1)[1]]];
    const line = flat.map(([minute, intensity], index) => `${index ? "L" : "M"}${this.x(minute)} ${this.y(intensity)}`).join("");
    draw("path", { class: "under", d: `${line}V${this.y(0)}H${this.x(low)}Z` }, this.svg);
    draw("path", { class: "curve", d: line }, this.svg);
    this.points.forEach((point, index) => this.handle(point, index));
  }

  ground() {
    for (const { label, start, end } of this.phases()) {
      draw("rect", { class: "phase", x: this.x(start), y: TOP, width: this.x(end) - this.x(start), height: HIGH - TOP - BOTTOM }, this.svg);
      if (this.x(end) - this.x(start) > NAME_PX) {
        draw("text", { class: "phase-name", x: this.x(start) + 6, y: TOP + 18 }, this.svg).textContent = label;
      }
      draw("text", { class: "minute", x: this.x(start), y: HIGH - 8 }, this.svg).textContent = tidy(start);
    }
    draw("text", { class: "minute", x: this.x(this.span[1]), y: HIGH - 8 }, this.svg).textContent = tidy(this.span[1]);
    for (const level of [0, 0.5, 1]) {
      draw("text", { class: "level", x: LEFT - 6, y: this.y(level) + 5 }, this.svg).textContent = level;
    }
  }

  handle([minute, intensity], index) {
    const handle = draw("g", {
      "data-handle": index, tabindex: 0, role: "slider", class: "handle",
      "aria-label": WORDS.name(index + 1), "aria-valuemin": 0, "aria-valuemax": 1, "aria-valuenow": intensity,
      "aria-valuetext": WORDS.at(minute, intensity),
      transform: `translate(${this.x(minute)} ${this.y(intensity)})`,
    }, this.svg);
    draw("circle", { class: "reach", r: REACH }, handle);
    draw("circle", { class: "dot", r: 8 }, handle);
    handle.addEventListener("keydown", (event) => this.key(event, index));
  }
}
