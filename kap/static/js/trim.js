// The edges of a recording on the picture of its sound: <figure data-trim> beside the fields Begins at and Ends at.
const WORDS = { start: "Where it begins", end: "Where it ends", at: (seconds) => `${seconds.toFixed(1)} seconds` };
const SVG = "http://www.w3.org/2000/svg";
const LEAST_S = 0.3;

export function install(figure) {
  new Trim(figure).start();
}

class Trim {
  constructor(figure) {
    this.figure = figure;
    this.length = Number(figure.dataset.trim);
    this.form = figure.closest("form");
    this.svg = figure.querySelector("svg");
    this.sound = figure.querySelector("audio");
    this.listen = figure.querySelector("[data-trim-listen]");
    this.fields = { start: this.form.elements.start, end: this.form.elements.end };
  }

  start() {
    const wide = this.svg.viewBox.baseVal.width;
    this.wide = wide;
    this.shades = ["start", "end"].map(() => {
      const shade = document.createElementNS(SVG, "rect");
      shade.setAttribute("class", "cut");
      shade.setAttribute("height", 256);
      this.svg.append(shade);
      return shade;
    });
    this.sliders = Object.fromEntries(["start", "end"].map((edge) => [edge, this.slider(edge)]));
    this.form.addEventListener("input", (event) => {
      if (Object.values(this.fields).includes(event.target)) this.show();
    });
    this.listen.hidden = false;
    this.listen.addEventListener("click", () => this.play());
    this.sound.addEventListener("timeupdate", () => {
      if (this.sound.currentTime >= this.edges()[1]) this.sound.pause();
    });
    this.show();
  }

  slider(edge) {
    const slider = document.createElement("input");
    Object.assign(slider, { type: "range", min: 0, max: this.length, step: 0.1, className: "edge" });
    slider.setAttribute("aria-label", WORDS[edge]);
    slider.addEventListener("input", () => {
      const [start, end] = this.edges();
      const at = Number(slider.value);
      const kept = edge === "start" ? Math.min(at, end - LEAST_S) : Math.max(at, start + LEAST_S);
      this.fields[edge].value = edge === "end" && kept >= this.length - 0.05 ? "" : String(Number(kept.toFixed(1)));
      this.show();
    });
    this.figure.querySelector("[data-trim-edges]").append(slider);
    return slider;
  }

  edges() {
    const start = Number(this.fields.start.value) || 0;
    const end = this.fields.end.value === "" ? this.length : Number(this.fields.end.value) || this.length;
    return [Math.min(start, this.length), Math.min(end, this.length)];
  }

  show() {
    const edges = this.edges();
    ["start", "end"].forEach((edge, index) => {
      this.sliders[edge].value = edges[index];
      this.sliders[edge].setAttribute("aria-valuetext", WORDS.at(edges[index]));
    });
    const [before, after] = this.shades;
    const [start, end] = edges.map((edge) => (edge / this.length) * this.wide);
    before.setAttribute("width", start);
    after.setAttribute("x", end);
    after.setAttribute("width", this.wide - end);
  }

  play() {
    this.sound.currentTime = this.edges()[0];
    this.sound.play();
  }
}
