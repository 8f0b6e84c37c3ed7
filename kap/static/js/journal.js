// The journal's pages without a save of their own: a comment that has not been sent is kept on this device
// (drafts.js) until the thread shows it, and deleting an entry forgets what this device kept of it.
import { draftsOf } from "./drafts.js";
import { meta } from "./server.js";

const PAUSE_MS = 200;
const KEPT = "Saved on this device. Not sent yet.";
const owner = meta("kap-user");

async function keepComment(form, drafts) {
  const name = form.dataset.commentDraft;
  const { comment_id: id, text } = form.elements;
  const state = form.querySelector("[data-saved-state]");
  const draft = await drafts.get(name).catch(() => null);
  if (draft && document.getElementById(`comment-${draft.id}`)) {
    await drafts.remove(name).catch(() => {});
  } else if (draft && !text.value) {
    // With the id it was first sent under: if it did arrive after all, it is not said twice.
    [id.value, text.value] = [draft.id, draft.text];
    state.dataset.state = "kept";
    state.textContent = KEPT;
  }
  let timer;
  const keep = async () => {
    const kept = text.value
      ? await drafts.put(name, { id: id.value, text: text.value }).then(() => true, () => false)
      : await drafts.remove(name).then(() => false, () => false);
    state.dataset.state = kept ? "kept" : "";
    state.textContent = kept ? KEPT : "";
  };
  text.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(keep, PAUSE_MS);
  });
}

function forgetOnDelete(form, drafts) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const gone = form.dataset.forgetAll.split(" ").map((kind) => drafts.removeAll(kind));
    await Promise.allSettled(gone);
    form.submit();
  });
}

if (owner) {
  const drafts = draftsOf(owner);
  document.querySelectorAll("form[data-comment-draft]").forEach((form) => keepComment(form, drafts));
  document.querySelectorAll("form[data-forget-all]").forEach((form) => forgetOnDelete(form, drafts));
}
