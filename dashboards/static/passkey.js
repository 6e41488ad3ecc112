// Passkeys: a button asks the server for options, the browser for the answer,
// and the server whether it counts. Everything else works without a script.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function ask(to, body) {
  const answer = await fetch(to, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(said.wrong || ""), { status: answer.status });
  return said;
}

async function create(o) {
  const k = await navigator.credentials.create({ publicKey: {
    ...o, challenge: bytes(o.challenge), user: { ...o.user, id: bytes(o.user.id) },
    excludeCredentials: (o.excludeCredentials || []).map((c) => ({ ...c, id: bytes(c.id) })),
  } });
  const r = k.response;
  return { id: k.id, rawId: text(k.rawId), type: k.type, authenticatorAttachment: k.authenticatorAttachment || undefined, clientExtensionResults: k.getClientExtensionResults(),
    response: { clientDataJSON: text(r.clientDataJSON), attestationObject: text(r.attestationObject), transports: r.getTransports ? r.getTransports() : [] } };
}

async function get(o) {
  const k = await navigator.credentials.get({ publicKey: {
    ...o, challenge: bytes(o.challenge), allowCredentials: (o.allowCredentials || []).map((c) => ({ ...c, id: bytes(c.id) })),
  } });
  const r = k.response;
  return { id: k.id, rawId: text(k.rawId), type: k.type, authenticatorAttachment: k.authenticatorAttachment || undefined, clientExtensionResults: k.getClientExtensionResults(),
    response: { clientDataJSON: text(r.clientDataJSON), authenticatorData: text(r.authenticatorData), signature: text(r.signature), userHandle: r.userHandle ? text(r.userHandle) : undefined } };
}

// prove asks for a passkey before what outlasts the session, or decides on an
// alert.
async function prove(to) {
  to = to || "/console/account/proof" + location.search;
  const begun = await ask(to, {});
  await ask(to, { id: begun.id, answer: await get(begun.options.publicKey) });
}

for (const button of document.querySelectorAll("[data-prove]")) {
  const wrong = button.closest("section").querySelector("[data-wrong]");
  button.addEventListener("click", async () => {
    wrong.hidden = true;
    if (!button.form.reportValidity()) return;
    button.disabled = true;
    try {
      await prove(button.dataset.prove);
      button.form.elements.code.value = "";
      button.form.submit();
    } catch (e) {
      wrong.textContent = e.name === "Error" && e.message || button.dataset.lost;
      wrong.hidden = false;
      button.disabled = false;
    }
  });
}

for (const button of document.querySelectorAll("[data-passkey]")) {
  const wrong = (button.closest("section") || button.form).querySelector("[data-wrong]");
  button.addEventListener("click", async () => {
    wrong.hidden = true;
    button.disabled = true;
    const to = button.dataset.to || location.pathname + "/passkey" + location.search;
    const value = (name) => document.getElementById(name)?.value || "";
    try {
      const code = button.form?.elements.code?.value || "";
      const asked = button.form ? { login: value("login"), name: value("name"), code } : {};
      const begun = await ask(to, asked).catch(async (e) => {
        if (button.dataset.passkey !== "create" || e.status !== 403 || code || !button.hasAttribute("data-proves")) throw e;
        await prove();
        return ask(to, asked);
      });
      const answer = await (button.dataset.passkey === "create" ? create : get)(begun.options.publicKey);
      location.assign((await ask(to, { id: begun.id, answer })).to);
    } catch (e) {
      wrong.textContent = e.name === "Error" && e.message || button.dataset.lost;
      wrong.hidden = false;
      button.disabled = false;
    }
  });
}
