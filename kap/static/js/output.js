// Which of this device's outputs the music goes to, where the browser lets a page choose (setSinkId).

const KEPT = "kap-player:output";
const WORDS = {
  default: "The device's own choice",
  chosen: (name) => `It plays through: ${name}.`,
  only: "This browser names no other output. Choose it in the device's own settings.",
  refused: "The browser did not allow that. Choose the output in the device's own settings.",
};

/** Send the music where it was sent last time, if that is still there. */
export async function keepOutput(audio, memory) {
  const kept = memory.read(KEPT);
  if (kept) await audio.setSinkId(kept).catch(() => {});
}

/** Let the person choose. Resolves with a sentence that says what came of it. */
export async function chooseOutput(audio, button, memory) {
  try {
    if (navigator.mediaDevices?.selectAudioOutput) return await take(audio, await navigator.mediaDevices.selectAudioOutput(), memory);
    const outputs = await named();
    if (outputs.length < 2) return WORDS.only;
    offer(audio, button, outputs, memory);
    return "";
  } catch {
    return WORDS.refused;
  }
}

async function take(audio, { deviceId, label }, memory) {
  await audio.setSinkId(deviceId);
  memory.write(KEPT, deviceId);
  return WORDS.chosen(label || WORDS.default);
}

/** The outputs with their names. Some browsers only tell them to a page that may use the microphone: nothing is heard. */
async function named() {
  const list = async () => (await navigator.mediaDevices?.enumerateDevices?.() ?? []).filter(({ kind }) => kind === "audiooutput");
  const outputs = await list();
  if (outputs.length === 0 || outputs.every(({ label }) => label)) return outputs;
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  stream.getTracks().forEach((track) => track.stop());
  return list();
}

/** A list in place of the button. */
function offer(audio, button, outputs, memory) {
  const select = document.createElement("select");
  select.className = "control";
  select.id = "player-output";
  const label = document.createElement("label");
  [label.htmlFor, label.textContent] = [select.id, "Output"];
  select.append(...outputs.map(({ deviceId, label: name }) => new Option(name || WORDS.default, deviceId)));
  select.value = memory.read(KEPT) ?? outputs[0].deviceId;
  select.addEventListener("change", () => {
    const chosen = outputs.find(({ deviceId }) => deviceId === select.value);
    take(audio, chosen, memory).catch(() => { select.value = audio.sinkId; });
  });
  button.replaceWith(label, select);
}
