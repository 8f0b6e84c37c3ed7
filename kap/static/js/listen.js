// Listening from a list without leaving it: <button data-listen> from music/parts.html plays from the middle, in
// one bar at the bottom of the page.
import { CANNOT_PLAY, Soft, icon, showPlaying, timecode } from "./soft.js";

const WORDS = { bar: "Listening", pause: "Pause", play: "Play on", place: "Place in the track", close: "Stop" };
let bar = null;

export function install(button) {
  button.hidden = false;
  button.addEventListener("click", () => {
    bar ??= new Bar();
    bar.press(button);
  });
}

class Bar {
  constructor() {
    this.audio = new Audio();
    this.soft = new Soft(this.audio);
    this.toggle = this.#button("pause", WORDS.pause, () => this.#toggle());
    this.title = document.createElement("a");
    this.clock = document.createElement("output");
    this.seek = Object.assign(document.createElement("input"), { type: "range", min: 0, step: 1 });
    this.seek.setAttribute("aria-label", WORDS.place);
    this.seek.addEventListener("change", () => this.#play(Number(this.seek.value)));
    const close = this.#button("x", WORDS.close, () => this.#close());
    this.element = document.createElement("section");
    this.element.className = "listening";
    this.element.setAttribute("aria-label", WORDS.bar);
    this.element.append(this.toggle, this.title, this.seek, this.clock, close);
    document.body.append(this.element);
    this.audio.addEventListener("timeupdate", () => this.#show());
    for (const name of ["play", "pause"]) this.audio.addEventListener(name, () => this.#state());
    this.audio.addEventListener("error", () => this.#fail());
  }

  /** Play what the button stands for, or pause it, or go on. */
  async press(button) {
    const { listen: source, title, page, length } = button.dataset;
    if (this.source === source && !this.element.hidden) return this.#toggle();
    if (!this.audio.paused) await this.soft.pause();
    this.source = source;
    this.audio.src = source;
    this.length = Number(length);
    this.title.textContent = title;
    this.title.href = page;
    this.seek.max = this.length;
    this.element.hidden = false;
    document.body.classList.add("is-listening");
    return this.#play(this.length / 2);
  }

  #button(symbol, words, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button plain";
    button.append(icon(symbol), Object.assign(document.createElement("span"), { textContent: words }));
    button.addEventListener("click", act);
    return button;
  }

  #play(from) {
    return this.soft.play(from).catch(() => this.#fail());
  }

  #toggle() {
    return this.audio.paused ? this.#play() : this.soft.pause();
  }

  #show() {
    this.seek.value = this.audio.currentTime;
    this.clock.textContent = timecode(this.audio.currentTime);
  }

  #state() {
    const playing = !this.audio.paused;
    showPlaying(this.toggle, playing);
    this.toggle.querySelector("span").textContent = playing ? WORDS.pause : WORDS.play;
    for (const button of document.querySelectorAll("[data-listen]")) {
      const here = playing && button.dataset.listen === this.source;
      button.setAttribute("aria-pressed", String(here));
      showPlaying(button, here);
    }
  }

  #fail() {
    this.clock.textContent = CANNOT_PLAY;
  }

  async #close() {
    await this.soft.pause();
    this.element.hidden = true;
    document.body.classList.remove("is-listening");
    document.querySelector(`[data-listen="${CSS.escape(this.source)}"]`)?.focus();
  }
}
