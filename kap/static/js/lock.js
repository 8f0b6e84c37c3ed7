// Texts that only a passphrase opens, or the recovery code that was shown once. docs/journal.md says how they are made
// up, so that any program may open them. Nothing here speaks to the server, and nothing of it is kept.
const FORMAT = "kap-locked-1";
const ALGORITHM = "AES-GCM";
// What OWASP asks for at least of PBKDF2-HMAC-SHA256:
// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#pbkdf2
const KDF = { name: "PBKDF2-HMAC-SHA256", iterations: 600_000 };
const MOST_ITERATIONS = 10_000_000;
const SALT_BYTES = 16;
const IV_BYTES = 12; // NIST SP 800-38D
// Crockford's Base32: no I, L, O or U, which are read or typed as something else. 25 of them are 125 bits.
const LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_LETTERS = 25;
const GROUP = 5;
const SHORTEST_PADDED = 256;

/** The passphrase or the code is not the one, or the text was tampered with: nobody can tell these apart. */
export class DoesNotOpen extends Error {}

/** Whether this browser can lock and open at all; the page then no longer says that it cannot. */
export function canLock() {
  const can = Boolean(globalThis.crypto?.subtle);
  document.querySelector("[data-without-script]").hidden = true;
  document.querySelector("[data-cannot]").hidden = can;
  return can;
}

const encoder = new TextEncoder();
const chance = (count) => crypto.getRandomValues(new Uint8Array(count));

function toText(bytes) {
  let binary = "";
  for (let start = 0; start < bytes.length; start += 0x8000) binary += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const toBytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

/** The entry and the place are bound in: a text moved to another entry does not open. */
const parameters = (entryId, place, iv) => ({
  name: ALGORITHM, iv, additionalData: encoder.encode(`${FORMAT}|${entryId}|${place}`),
});

async function wrappingKey(secret, salt, iterations) {
  if (!(iterations >= KDF.iterations && iterations <= MOST_ITERATIONS)) throw new DoesNotOpen("iterations");
  const material = await crypto.subtle.importKey("raw", encoder.encode(secret), "PBKDF2", false, ["deriveKey"]);
  const derivation = { name: "PBKDF2", hash: "SHA-256", salt, iterations };
  return crypto.subtle.deriveKey(derivation, material, { name: ALGORITHM, length: 256 }, false, ["wrapKey", "unwrapKey"]);
}

async function wrapped(key, secret, entryId, place) {
  const [salt, iv] = [chance(SALT_BYTES), chance(IV_BYTES)];
  const wrapping = await wrappingKey(secret, salt, KDF.iterations);
  const sealed = await crypto.subtle.wrapKey("raw", key, wrapping, parameters(entryId, place, iv));
  return { salt: toText(salt), iv: toText(iv), key: toText(new Uint8Array(sealed)) };
}

// One passphrase whatever keyboard typed its accents; one code however it was written down.
const asPassphrase = (typed) => typed.normalize("NFKC");
export const asCode = (typed) => typed.toUpperCase().replace(/[^0-9A-Z]/g, "").replaceAll("O", "0").replace(/[IL]/g, "1");

function newCode() {
  const letters = [...chance(CODE_LETTERS)].map((byte) => LETTERS[byte % LETTERS.length]); // 256 is a multiple of 32
  return letters.join("");
}

/** A code in groups, to write down. */
export const inGroups = (code) => code.match(new RegExp(`.{${GROUP}}`, "g"));

/** A new content key, or `key`, behind a passphrase and a new code: {lock, key, code}. `lock` holds everything but words. */
export async function makeLock(entryId, passphrase, key) {
  key ??= await crypto.subtle.generateKey({ name: ALGORITHM, length: 256 }, true, ["encrypt", "decrypt"]);
  const code = newCode();
  const lock = {
    format: FORMAT,
    kdf: KDF,
    passphrase: await wrapped(key, asPassphrase(passphrase), entryId, "passphrase"),
    recovery: await wrapped(key, code, entryId, "recovery"),
  };
  return { lock, key, code };
}

/** The content key of a locked text. `how` is "passphrase" or "recovery". Rejects with `DoesNotOpen`. */
export async function openLock(text, entryId, how, typed) {
  const locked = JSON.parse(text);
  const { salt, iv, key } = locked[how];
  const secret = how === "recovery" ? asCode(typed) : asPassphrase(typed);
  const wrapping = await wrappingKey(secret, toBytes(salt), locked.kdf.iterations);
  return crypto.subtle
    .unwrapKey("raw", toBytes(key), wrapping, parameters(entryId, how, toBytes(iv)), ALGORITHM, true, ["encrypt", "decrypt"])
    .catch(() => { throw new DoesNotOpen(how); });
}

/** The lock of a locked text, without its words. */
export function lockOf(text) {
  const { words: _, ...lock } = JSON.parse(text);
  return lock;
}

/** `words`, any JSON value, locked: the text that is stored. */
export async function lockWords(lock, key, entryId, words) {
  const iv = chance(IV_BYTES);
  const sealed = await crypto.subtle.encrypt(parameters(entryId, "words", iv), key, padded(encoder.encode(JSON.stringify(words))));
  return JSON.stringify({ ...lock, words: { iv: toText(iv), sealed: toText(new Uint8Array(sealed)) } });
}

/** What was locked. Rejects with `DoesNotOpen`. */
export async function openWords(text, key, entryId) {
  const { iv, sealed } = JSON.parse(text).words;
  const plain = await crypto.subtle.decrypt(parameters(entryId, "words", toBytes(iv)), key, toBytes(sealed))
    .catch(() => { throw new DoesNotOpen("words"); });
  const bytes = new Uint8Array(plain);
  return JSON.parse(new TextDecoder().decode(bytes.subarray(0, bytes.lastIndexOf(0x80))));
}

/** With a byte 0x80 and zeros behind it, so that the length says little (Padmé, as kap/crypto.py does it). */
function padded(bytes) {
  const size = Math.max(bytes.length + 1, SHORTEST_PADDED);
  const exponent = 31 - Math.clz32(size);
  const step = 2 ** Math.max(exponent - (32 - Math.clz32(exponent)), 0);
  const whole = new Uint8Array(Math.ceil(size / step) * step);
  whole.set(bytes);
  whole[bytes.length] = 0x80;
  return whole;
}
