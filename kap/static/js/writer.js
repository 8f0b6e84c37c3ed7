// Whose words wait on this device: the patient who was signed in here last. Without network the server cannot say.
// Their words themselves lie sealed in drafts.js; a sign-out, or anyone else's sign-in, takes the name away.
const NAME = "kap-writer";

const storage = (work) => {
  try {
    return work(localStorage);
  } catch { // a browser that keeps nothing
    return null;
  }
};

export const writer = () => storage((kept) => kept.getItem(NAME)) ?? "";
export const rememberWriter = (user) => storage((kept) => kept.setItem(NAME, user));
export const forgetWriter = () => storage((kept) => kept.removeItem(NAME));
