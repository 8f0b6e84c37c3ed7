// The page of a locked entry. It opens here, in this browser, and is locked again with every change before anything is
// kept on the device or sent: the form that saves itself (autosave.js) only ever holds the locked text.
import { draftsOf } from "./drafts.js";
import { DoesNotOpen, canLock, lockOf, lockWords, openLock, openWords } from "./lock.js";
import { choosing, say } from "./passphrase.js";
import { meta } from "./server.js";

const NOT_SENT = ["saving", "kept", "unsaved", "ended", "refused", "conflict"];
const WORDS = {
  opening: "Opening. This takes a moment, on purpose.",
  wrongPassphrase: "This passphrase does not open the entry. Check capitals and the keyboard, and try again.",
  wrongCode: "This code does not open the entry. Compare it letter by letter, and try again.",
  recovered: "Opened with the code. Choose a new passphrase below if the old one is lost.",
  waits: "Wait until this page says Saved, then try again.",
  elsewhere: "The version from elsewhere",
  before: "Typed on this device before the entry was locked",
  closed: "It was locked on its own, so this passphrase does not open it.",
  both: "Put both together",
  mine: "Keep the words below",
};

class Locked {
  constructor(root) {
    this.find = (name) => root.querySelector(`[data-${name}]`);
    this.entryId = root.dataset.locked;
    this.form = this.find("locked-form");
    this.stored = this.form.elements.locked; // the locked text, and nothing else
    this.fields = {
      title: root.querySelector("#locked-title"),
      text: root.querySelector("#locked-words"),
      tags: root.querySelector("#locked-tags"),
    };
    this.drafts = draftsOf(meta("kap-user"));
    this.key = null;
    this.conflict = null; // the other version, until the writer has chosen
    this.working = null;
    root.hidden = false;
  }

  start() {
    this.asks("opening", "passphrase", "passphrase", WORDS.wrongPassphrase);
    this.asks("recovering-form", "recovery", "code", WORDS.wrongCode);
    this.form.addEventListener("autosave-conflict", (event) => {
      event.preventDefault();
      this.conflict = event.detail;
      if (this.key) this.showConflict();
    });
    for (const field of Object.values(this.fields)) field.addEventListener("input", () => this.changed());
    this.find("close-entry").addEventListener("click", async () => {
      await this.working;
      this.form.requestSubmit();
    });
    this.find("unlock-form").addEventListener("submit", (event) => this.unlock(event));
    choosing(this.find("changing"), this.entryId, { key: () => this.key, done: (made) => this.change(made) });
  }

  // Opening

  asks(name, how, id, wrong) {
    const form = this.find(name);
    const says = this.find(`${name.replace("-form", "")}-says`);
    const field = form.querySelector(`#${id}`);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      say(says, WORDS.opening);
      try {
        await this.open(how, field.value);
      } catch (error) {
        if (!(error instanceof DoesNotOpen)) throw error;
        say(says, wrong);
        field.select();
        return;
      }
      field.value = "";
      say(says, "");
    });
  }

  async open(how, typed) {
    const text = this.stored.value;
    const key = await openLock(text, this.entryId, how, typed);
    const words = await openWords(text, key, this.entryId);
    this.key = key;
    this.lock = lockOf(text);
    this.fill(words);
    for (const name of ["opening", "recovering"]) this.find(name).hidden = true;
    for (const name of ["opened", "open-only"]) this.find(name).hidden = false;
    if (how === "recovery") {
      this.find("changing").querySelector("details").open = true;
      say(this.find("changing-says"), WORDS.recovered);
    }
    this.fields.text.focus({ preventScroll: true });
    if (this.conflict) await this.showConflict();
    else await this.showWaiting();
  }

  words() {
    return Object.fromEntries(Object.entries(this.fields).map(([name, field]) => [name, field.value]));
  }

  fill(words) {
    for (const [name, field] of Object.entries(this.fields)) field.value = words[name] ?? "";
  }

  // Locking again, one text after the other; whatever was typed meanwhile makes another round.

  changed() {
    this.again = true;
    this.working ??= this.lockAgain().finally(() => { this.working = null; });
    return this.working;
  }

  async lockAgain() {
    while (this.again) {
      this.again = false;
      this.stored.value = await lockWords(this.lock, this.key, this.entryId, this.words());
    }
    this.stored.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** Whether everything has arrived, so that another form may take over from the one that saves itself. */
  async hasArrived(says) {
    await this.working;
    const arrived = !this.conflict && !NOT_SENT.includes(this.form.querySelector("[data-saved-state]").dataset.state);
    say(says, arrived ? "" : WORDS.waits);
    return arrived;
  }

  async unlock(event) {
    event.preventDefault();
    const form = event.target;
    if (!await this.hasArrived(this.find("unlock-says"))) return;
    for (const [name, value] of Object.entries(this.words())) form.elements[name].value = value;
    form.elements.version.value = this.form.elements.version.value;
    await this.drafts.removeAll(`journal:${this.entryId}`).catch(() => {});
    form.submit();
  }

  async change({ lock, key }) {
    if (!await this.hasArrived(this.find("changing-says"))) return;
    const form = this.find("change-form");
    form.elements.locked.value = await lockWords(lock, key, this.entryId, this.words());
    form.elements.version.value = this.form.elements.version.value;
    form.submit();
  }

  // Two versions

  async showConflict() {
    const { text, adopt } = this.conflict;
    let theirs = null;
    if (text) {
      theirs = await openWords(text, this.key, this.entryId).catch(() => null);
      this.lock = lockOf(text); // its passphrase may have been changed there
    }
    const shown = text && !theirs ? { text: WORDS.closed } : theirs;
    this.showOther(WORDS.elsewhere, shown, async () => {
      await this.changed();
      this.conflict = null;
      adopt();
    }, Boolean(theirs));
  }

  /** Words of this entry that this device kept from before it was locked. */
  async showWaiting() {
    const name = `journal:${this.entryId}`;
    const draft = await this.drafts.get(name).catch(() => null);
    const text = draft && Object.fromEntries(draft.fields).text;
    if (!text || text === this.fields.text.value) return;
    this.showOther(WORDS.before, { text }, () => this.drafts.remove(name).catch(() => {}), true);
  }

  showOther(title, words, chosen, canJoin) {
    const place = this.find("other");
    const row = Object.assign(document.createElement("div"), { className: "row" });
    const choose = (label, act) => {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: label });
      button.addEventListener("click", async () => {
        await act();
        await chosen();
        place.replaceChildren();
        this.fields.text.focus();
      });
      row.append(button);
    };
    const shown = [];
    if (words) {
      const details = Object.assign(document.createElement("details"), { className: "details", open: true });
      const summary = Object.assign(document.createElement("summary"), { textContent: title });
      const text = Object.assign(document.createElement("p"), { className: "words journal-words", dir: "auto" });
      text.textContent = [words.title, words.text].filter(Boolean).join("\n\n");
      details.append(summary, text);
      shown.push(details);
      if (canJoin) {
        choose(WORDS.both, async () => {
          this.fields.text.value = [this.fields.text.value, words.text].filter(Boolean).join("\n\n");
          await this.changed();
        });
      }
    }
    choose(WORDS.mine, () => {});
    place.replaceChildren(...shown, row);
  }
}

const root = document.querySelector("[data-locked]");
if (canLock()) new Locked(root).start();
