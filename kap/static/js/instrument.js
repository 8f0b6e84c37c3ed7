// Listen and vary without leaving the page; the words beside the sliders follow them.
const COMPOSING = "Composing half a minute …";
const PLAYING = "Playing.";
const ENDED = "That was half a minute. Change something, vary it, or keep it.";
const FAILED = "This could not be composed just now. Nothing was changed; please listen again in a moment.";

export function install(form) {
  for (const range of form.querySelectorAll("input[type=range]")) {
    range.addEventListener("input", () => tell(range));
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const address = `${form.action}?${new URLSearchParams(new FormData(form, event.submitter))}`;
    listen(form, address).catch(() => location.assign(address));
  });
  follow(document.getElementById("heard"));
}

function tell(range) {
  const output = range.parentElement.querySelector("output");
  const steps = output.dataset.scale.trim().split(/ (?=\d+:)/).map((step) => step.split(":"));
  const [, word] = steps.find(([border]) => Number(range.value) < Number(border)) ?? steps.at(-1);
  output.textContent = `${word}, ${range.value}`;
}

async function listen(form, address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const asked = page.getElementById("instrument");
  const heard = page.getElementById("heard");
  if (asked === null || heard === null) throw new Error("another page");
  take(form, asked);
  keepTyped(document.getElementById("keep"), heard.querySelector("#keep"));
  document.getElementById("heard").replaceWith(heard);
  history.replaceState(null, "", answer.url);
  follow(heard);
  await heard.querySelector("audio")?.play().catch(() => {});
}

// What the answer has set: the same after Listen, a neighbour after Vary.
function take(form, asked) {
  for (const control of form.elements) {
    if (control.type === "radio") {
      control.checked = asked.querySelector(`[name="${control.name}"][value="${control.value}"]`).checked;
    } else if (control.name && control.type !== "submit") {
      control.value = asked.elements[control.name].value;
    }
    if (control.type === "range") tell(control);
  }
}

function keepTyped(before, after) {
  for (const name of ["title", "minutes"]) {
    const typed = before.elements[name];
    if (typed.value !== typed.defaultValue) after.elements[name].value = typed.value;
  }
}

function follow(heard) {
  const sound = heard.querySelector("audio");
  const state = heard.querySelector("[data-instrument-state]");
  if (sound === null) return;
  const say = (words) => () => { state.textContent = words; };
  sound.addEventListener("loadstart", () => { if (!sound.paused) say(COMPOSING)(); });
  sound.addEventListener("play", say(COMPOSING));
  sound.addEventListener("playing", say(PLAYING));
  sound.addEventListener("ended", say(ENDED));
  sound.querySelector("source:last-of-type").addEventListener("error", say(FAILED));
}
