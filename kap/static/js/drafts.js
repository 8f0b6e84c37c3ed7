// Words that have not reached the server yet, kept on this device and sealed.
//
// Each person has an AES-GCM key that the browser made and does not hand out, not even to this script. A draft
// carries its owner and name as authenticated data, so a record moved to another owner's key does not open,
// and whoever signs in next on the same device neither sees nor sends it.
const DATABASE = "kap-drafts";
const ALGORITHM = "AES-GCM";

let opening;

function open() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("keys");
      request.result.createObjectStore("drafts");
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opening;
}

async function within(store, mode, work) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(store, mode);
    const request = work(transaction.objectStore(store));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}

async function keyOf(owner) {
  const known = await within("keys", "readonly", (keys) => keys.get(owner));
  if (known) return known;
  const made = await crypto.subtle.generateKey({ name: ALGORITHM, length: 256 }, false, ["encrypt", "decrypt"]);
  // Two pages may start at once: the first key stays, the second is thrown away.
  await within("keys", "readwrite", (keys) => {
    const present = keys.get(owner);
    present.onsuccess = () => { if (!present.result) keys.put(made, owner); };
    return present;
  });
  return within("keys", "readonly", (keys) => keys.get(owner));
}

const bytes = (text) => new TextEncoder().encode(text);
const parameters = (owner, name, iv) => ({ name: ALGORITHM, iv, additionalData: bytes(JSON.stringify([owner, name])) });

async function seal(owner, name, plain) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed = await crypto.subtle.encrypt(parameters(owner, name, iv), await keyOf(owner), plain);
  await within("drafts", "readwrite", (drafts) => drafts.put({ iv, sealed }, [owner, name]));
}

async function unseal(owner, name) {
  const record = await within("drafts", "readonly", (drafts) => drafts.get([owner, name]));
  return record ? crypto.subtle.decrypt(parameters(owner, name, record.iv), await keyOf(owner), record.sealed) : null;
}

const beginningWith = (owner, prefix) => IDBKeyRange.bound([owner, prefix], [owner, `${prefix}\uffff`]);

/** The drafts of one person. Every method rejects where the browser keeps nothing or has no cryptography. */
export function draftsOf(owner) {
  return {
    /** Keep `draft`, any JSON value, under `name`. */
    put: (name, draft) => seal(owner, name, bytes(JSON.stringify(draft))),

    /** Keep bytes, such as a second of sound. */
    putBytes: (name, content) => seal(owner, name, content),

    /** What was kept under `name`, or null. */
    async get(name) {
      const opened = await unseal(owner, name);
      return opened && JSON.parse(new TextDecoder().decode(opened));
    },

    /** The bytes that were kept under `name`, or null. */
    getBytes: (name) => unseal(owner, name),

    /** The names that begin with `prefix`, in order. */
    async names(prefix) {
      const keys = await within("drafts", "readonly", (drafts) => drafts.getAllKeys(beginningWith(owner, prefix)));
      return keys.map(([, name]) => name);
    },

    /** The names of what is kept that begin with `prefix`. */
    async names(prefix) {
      const range = IDBKeyRange.bound([owner, prefix], [owner, `${prefix}\uffff`]);
      const keys = await within("drafts", "readonly", (drafts) => drafts.getAllKeys(range));
      return keys.map(([, name]) => name);
    },

    /** Whatever is kept under names that begin with `prefix`: pairs of a name and a draft. What does not open stays out. */
    async all(prefix) {
      const range = IDBKeyRange.bound([owner, prefix], [owner, `${prefix}\uffff`]);
      const names = await within("drafts", "readonly", (drafts) => drafts.getAllKeys(range));
      const found = await Promise.all(names.map(async ([, name]) => [name, await this.get(name).catch(() => null)]));
      return found.filter(([, draft]) => draft !== null);
    },

    /** Forget whatever is kept under a name that begins with `prefix`. */
    async removeAll(prefix) {
      await within("drafts", "readwrite", (drafts) => drafts.delete(beginningWith(owner, prefix)));
    },

    /** Forget `name`; it has arrived. */
    async remove(name) {
      await within("drafts", "readwrite", (drafts) => drafts.delete([owner, name]));
    },
  };
}
