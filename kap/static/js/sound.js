// The picture of a track's sound as a slider: <figure data-sound> from music/sound.html. Without this script the
// browser's own player stands there.
import { CANNOT_PLAY, Soft, showPlaying, timecode } from "./soft.js";

const WORDS = { play: "Play", pause: "Pause", place: (at, length) => `${at} of ${length}` };
const ARROW_S = 5;
const ARROWS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };

export function install(figure) {
  const audio = figure.querySelector("audio");
  const seek = figure.querySelector("[data-seek]");
  const head = figure.querySelector("[data-head]");
  const button = figure.querySelector("[data-play]");
  const clock = figure.querySelector("[data-clock]");
  const length = Number(figure.dataset.length);
  const soft = new Soft(audio);
  let dragging = false;

  const show = (second) => {
    const place = `${(100 * second) / length}%`;
    head.toggleAttribute("hidden", second === 0);
    head.setAttribute("x1", place);
    head.setAttribute("x2", place);
    const words = WORDS.place(timecode(second), timecode(length));
    clock.textContent = words;
    seek.setAttribute("aria-valuetext", words);
    if (!dragging) seek.value = second;
  };
  const play = (from) => soft.play(from).catch(() => { clock.textContent = CANNOT_PLAY; });
  const toggle = () => (audio.paused ? play() : soft.pause());
  const state = () => {
    showPlaying(button, !audio.paused);
    button.querySelector("span").textContent = audio.paused ? WORDS.play : WORDS.pause;
  };

  seek.addEventListener("input", () => { dragging = true; show(Number(seek.value)); });
  seek.addEventListener("change", () => { dragging = false; play(Number(seek.value)); });
  seek.addEventListener("keydown", (event) => {
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      toggle();
    } else if (event.key in ARROWS) {
      event.preventDefault();
      const second = Math.min(length, Math.max(0, audio.currentTime + ARROWS[event.key] * ARROW_S));
      if (audio.paused) audio.currentTime = second;
      else play(second);
      show(second);
    }
  });
  button.addEventListener("click", toggle);
  for (const moment of figure.querySelectorAll("[data-from]")) {
    moment.addEventListener("click", () => play(Number(moment.dataset.from)));
  }
  audio.addEventListener("timeupdate", () => { if (!dragging) show(audio.currentTime); });
  audio.addEventListener("play", state);
  audio.addEventListener("pause", state);
  audio.addEventListener("error", () => { clock.textContent = CANNOT_PLAY; });

  audio.controls = false;
  for (const part of figure.querySelectorAll("[data-seek], [data-play], [data-clock], [data-sound-hint]")) {
    part.hidden = false;
  }
  show(0);
}
