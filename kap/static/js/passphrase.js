// Choosing a passphrase, and the recovery code that is shown once: the macro choosing() of
// templates/integration/locked_parts.html, on whichever page it stands.
import { asCode, inGroups, makeLock } from "./lock.js";

const SHORTEST = 12;
const ORDINALS = ["first", "second", "third", "fourth", "fifth"];
const WORDS = {
  short: `Please use at least ${SHORTEST} characters.`,
  different: "The two passphrases are not the same. Please type both again.",
  working: "Locking. This takes a moment, on purpose.",
  check: (which) => `Type the ${which} group of the code`,
  wrong: "That is not what stands there. Look at the code once more.",
  copied: "Copied",
  notCopied: "Please write it down",
};

export function say(element, words) {
  element.textContent = words;
  element.hidden = !words;
}

/**
 * Ask for a passphrase in `root`; once the code was checked, `done({lock, key})` is called. `key()` may give the
 * content key that goes behind the new passphrase.
 */
export function choosing(root, entryId, { key = () => undefined, done }) {
  const find = (name) => root.querySelector(`[data-${name}]`);
  const [form, step] = [find("choosing"), find("code-step")];
  const [first, again] = [root.querySelector("#new-passphrase"), root.querySelector("#new-passphrase-again")];
  const check = root.querySelector("#code-check");
  let made;
  let asked;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const says = find("choosing-says");
    const passphrase = first.value;
    if ([...passphrase].length < SHORTEST) return say(says, WORDS.short);
    if (passphrase !== again.value) return say(says, WORDS.different);
    say(says, WORDS.working);
    made = await makeLock(entryId, passphrase, key());
    first.value = again.value = "";
    say(says, "");
    const groups = inGroups(made.code);
    asked = crypto.getRandomValues(new Uint8Array(1))[0] % groups.length;
    find("code").textContent = groups.join("-");
    find("check-label").textContent = WORDS.check(ORDINALS[asked]);
    form.hidden = true;
    step.hidden = false;
    find("code-title").focus();
    return undefined;
  });
  find("print").addEventListener("click", () => print());
  find("copy").addEventListener("click", async () => {
    const copied = await navigator.clipboard.writeText(find("code").textContent).then(() => true, () => false);
    find("copy-words").textContent = copied ? WORDS.copied : WORDS.notCopied;
  });
  step.addEventListener("submit", (event) => {
    event.preventDefault();
    const typed = asCode(check.value);
    if (typed !== inGroups(made.code)[asked] && typed !== made.code) return say(find("code-says"), WORDS.wrong);
    say(find("code-says"), "");
    return done({ lock: made.lock, key: made.key });
  });
}
