// A picture or a recording added to an entry without leaving its page: <form data-add-file>. Without this script the
// form is an ordinary one.
import { isSignedOut, post, signInLink } from "./server.js";

const SEND_MS = 10 * 60_000;
const MEGABYTE = 1_000_000;
const WORDS = {
  sending: "Sending",
  kept: "It is added.",
  lost: "It did not arrive. It is still chosen here: try again when there is a connection.",
  signedOut: "Your sign-in has ended; the file is still chosen here. Sign in, then add it again. ",
  large: (most) => `This file is larger than ${most} MB and was not sent.`,
};

export function install(form) {
  const says = form.querySelector("[data-add-says]");
  const file = form.querySelector('input[type="file"]');
  let sending = false;
  form.addEventListener("submit", async (event) => {
    if (!file.files.length) return;
    event.preventDefault();
    const most = Number(form.dataset.most);
    if (file.files[0].size > most * MEGABYTE) says.textContent = WORDS.large(most);
    else if (!sending) {
      sending = true;
      if (await send(form.action, new FormData(form), says)) {
        form.reset();
        form.elements.file_id.value = crypto.randomUUID();
      }
      sending = false;
    }
  });
}

/** Send a file and show what became of it. Says whether it was kept. */
export async function send(address, body, says) {
  says.textContent = WORDS.sending;
  const answer = await post(address, body, { timeout: SEND_MS }).catch(() => null);
  const told = await answer?.json().catch(() => null);
  if (answer?.ok && told?.url) {
    says.textContent = WORDS.kept;
    await append(told.url);
    return true;
  }
  if (answer && isSignedOut(answer)) says.replaceChildren(WORDS.signedOut, signInLink());
  else says.textContent = told?.error ?? WORDS.lost;
  return false;
}

/** Show a voice note or a picture that was added, below the others. */
export const append = (url) => window.htmx.ajax("GET", url, { target: "#files", swap: "beforeend" });
