// On the journal's own page: recordings that this device still keeps, each with the way to its entry. The address in
// data-kept-notes is that of an entry whose id is all zeros.
import { draftsOf } from "./drafts.js";
import { minutes } from "./microphone.js";
import { meta } from "./server.js";
import { keptNotes, lengthOf } from "./voice.js";

const NOBODY = "00000000-0000-0000-0000-000000000000";
const WORDS = (length) => `A recording of ${length} is kept on this device and has not been sent.`;

export async function install(place) {
  const owner = meta("kap-user");
  if (!owner) return;
  const notes = await keptNotes(draftsOf(owner)).catch(() => []);
  place.hidden = notes.length === 0;
  place.replaceChildren(...notes.map(({ entry, note }) => {
    const line = document.createElement("p");
    const link = document.createElement("a");
    link.href = `${place.dataset.keptNotes.replace(NOBODY, entry)}#more`;
    link.textContent = WORDS(minutes(lengthOf(note)));
    line.append(link);
    return line;
  }));
}
