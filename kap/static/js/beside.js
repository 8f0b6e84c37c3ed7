// Writing beside the music of a session: the entry keeps the moment at which the writing began, and any other that is
// asked for. Without this script the moment is typed as the player shows it.
import { musicPosition } from "./player.js";
import { timecode } from "./soft.js";

const WORDS = {
  now: (place) => `Now at ${place}.`,
  kept: (place) => `This entry belongs to ${place}.`,
};

const root = document.querySelector("[data-beside]");
const audio = root.querySelector("[data-audio]");
const says = root.querySelector("[data-beside-says]");
const { phases } = JSON.parse(root.querySelector("[data-player]").dataset.marks);
const moment = document.getElementById("moment");
const text = document.getElementById("text");

const phaseAt = (seconds) => phases.filter(({ start }) => start <= seconds).at(-1)?.label;
const place = (seconds) => [timecode(seconds), phaseAt(seconds)].filter(Boolean).join(", ");

function seconds(typed) {
  const parts = typed.split(":").map(Number);
  return typed && parts.every((part) => part >= 0) ? parts.reduce((total, part) => total * 60 + part, 0) : null;
}

function show() {
  const kept = seconds(moment.value.trim());
  const position = musicPosition();
  const words = kept === null ? position !== null && WORDS.now(place(position)) : WORDS.kept(place(kept));
  if (says.textContent !== (words || "")) says.textContent = words || "";
}

function keep() {
  moment.value = timecode(musicPosition() ?? 0);
  moment.dispatchEvent(new Event("input", { bubbles: true }));
  show();
}

root.querySelector("[data-beside-row]").hidden = false;
root.querySelector("[data-beside-keep]").addEventListener("click", () => { keep(); text.focus(); });
text.addEventListener("input", () => {
  if (!moment.value && musicPosition() !== null) keep();
});
moment.addEventListener("input", show);
// A status that a screen reader hears: it changes with the phase, and not with every second.
let phase;
audio.addEventListener("timeupdate", () => {
  const here = phaseAt(musicPosition() ?? 0);
  if (here === phase) return;
  phase = here;
  show();
});
show();
