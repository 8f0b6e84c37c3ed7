// From the stream of a playlist that is still being made to its finished file, at the same moment of the music.
const WORDS = { goOn: "Go on in the finished mix, from anywhere" };

export function install(section) {
  const stream = section.querySelector("[data-as-made]");
  if (!stream) return;
  const settle = () => {
    if (section.querySelector('[data-mix-state="ready"]')) handOver(section, stream);
  };
  section.addEventListener("htmx:afterSwap", settle);
  section.addEventListener("htmx:afterSettle", settle);
}

/** A stream that nobody listens to goes; one that plays stays until its listener moves on. */
function handOver(section, stream) {
  const playing = stream.querySelector("audio");
  const finished = section.querySelector("[data-finished]");
  if (!stream.isConnected || !finished || stream.dataset.offered) return;
  if (playing.paused) {
    leave(stream, playing);
    return;
  }
  stream.dataset.offered = "true";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  button.textContent = WORDS.goOn;
  button.addEventListener("click", async () => {
    finished.currentTime = playing.currentTime;
    await finished.play().catch(() => {});
    leave(stream, playing);
  });
  stream.append(button);
}

function leave(stream, playing) {
  playing.pause();
  playing.removeAttribute("src");
  playing.load();
  stream.remove();
}
