/* Makes an editor of every textarea that names a schema: completion and hover texts from it, and as marks what the
   server found. The textarea stays the form's field and hears every change; without this file it is what it was. */
"use strict";
(() => {
  const {
    EditorState, Compartment, EditorView, drawSelection, highlightActiveLine, highlightSpecialChars, hoverTooltip, keymap,
    lineNumbers, HighlightStyle, bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit, syntaxHighlighting,
    defaultKeymap, history, historyKeymap, indentWithTab, autocompletion, closeBrackets, closeBracketsKeymap,
    completionKeymap, lintGutter, lintKeymap, setDiagnostics, json, yaml, tags,
  } = CodeMirror;

  /* Colours are variables of the page, which is light or dark as the reader's system is. */
  const LOOK = EditorView.theme({
    "&": { color: "var(--code-text)", backgroundColor: "var(--code-paper)", fontSize: "13px", border: "1px solid var(--code-line)", borderRadius: "4px" },
    "&.cm-focused": { outline: "2px solid var(--code-accent)", outlineOffset: "1px" },
    ".cm-scroller": { fontFamily: "ui-monospace, 'SF Mono', Consolas, 'Noto Sans Mono', 'Noto Sans Mono CJK SC', monospace", lineHeight: "1.5", minHeight: "380px", maxHeight: "72vh", overflow: "auto" },
    ".cm-content": { caretColor: "var(--code-text)" },
    ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--code-text)" },
    "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { background: "var(--code-chosen)" },
    ".cm-gutters": { color: "var(--code-quiet)", backgroundColor: "var(--code-paper)", borderRight: "1px solid var(--code-line)" },
    ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--code-here)" },
    "&.cm-focused .cm-matchingBracket, .cm-matchingBracket": { backgroundColor: "var(--code-chosen)" },
    ".cm-foldPlaceholder": { color: "var(--code-quiet)", background: "var(--code-here)", border: "0" },
    ".cm-tooltip": { color: "var(--code-text)", backgroundColor: "var(--code-paper)", border: "1px solid var(--code-line)", borderRadius: "4px", maxWidth: "420px" },
    ".cm-tooltip-autocomplete > ul > li[aria-selected]": { color: "var(--code-paper)", backgroundColor: "var(--code-accent)" },
    ".cm-tooltip-autocomplete > ul > li[aria-selected] .cm-completionDetail": { color: "inherit" },
    ".cm-completionDetail": { color: "var(--code-quiet)", fontStyle: "normal" },
    ".cm-tooltip.cm-completionInfo, .key-words": { padding: "6px 10px", fontFamily: "system-ui, sans-serif", fontSize: "13px", whiteSpace: "normal" },
    ".key-words code": { fontWeight: "600" },
    ".key-words p": { margin: "4px 0 0" },
    ".cm-diagnostic": { fontFamily: "system-ui, sans-serif" },
    ".cm-diagnostic-error": { borderLeftColor: "var(--code-wrong)" },
    ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--code-wrong) 1px", textUnderlineOffset: "3px" },
    ".cm-panels": { color: "var(--code-text)", backgroundColor: "var(--code-here)" },
    ".cm-panel.cm-panel-lint ul [aria-selected]": { backgroundColor: "var(--code-chosen)" },
    ".cm-panel.cm-panel-lint button[name=close]": { color: "var(--code-text)" },
  });
  const COLOURS = HighlightStyle.define([
    { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--code-key)" },
    { tag: [tags.string, tags.content, tags.attributeValue], color: "var(--code-string)" },
    { tag: [tags.number, tags.bool, tags.null], color: "var(--code-number)" },
    { tag: [tags.comment, tags.lineComment], color: "var(--code-quiet)" },
    { tag: [tags.punctuation, tags.separator, tags.bracket, tags.brace, tags.squareBracket], color: "var(--code-quiet)" },
  ]);

  const isJson = (text) => text.trimStart().startsWith("{");
  const asJson = (word) => /^(true|false|-?\d+)$/.test(word) ? word : JSON.stringify(word);

  function element(name, content, className = "") {
    const made = document.createElement(name);
    made.className = className;
    made.append(...[content].flat());
    return made;
  }

  /* What the schema says of a key: its values, what it is without it, and what it means. */
  function keyWords(name, schema, words) {
    const parts = [element("code", name)];
    if (schema["x-values"]) parts.push(element("p", schema["x-values"]));
    if (schema.default !== undefined) parts.push(element("p", `${words.byDefault} ${schema.default}`));
    if (schema.description) parts.push(element("p", schema.description));
    return element("div", parts, "key-words");
  }

  function completions(schema, words) {
    return (context) => {
      const text = context.state.doc.toString(), place = PlanPlace.placeAt(text, context.pos);
      if (!place) return null;
      const quote = /["']/.test(text[place.from] ?? "") && place.from < context.pos ? text[place.from] : "";
      const from = place.from + quote.length, isTyping = context.pos > place.from;
      if (!context.explicit && !isTyping && place.role === "key") return null;
      const options = place.role === "key" ? keyOptions(schema, text, place, quote, words) : valueOptions(schema, text, place, quote);
      return options.length ? { from, options, validFor: /^[\p{L}\p{N}_-]*$/u } : null;
    };
  }

  function keyOptions(schema, text, place, quote, words) {
    return PlanPlace.keysAt(schema, text, place).map((key) => ({
      label: key.name,
      type: "property",
      detail: key.isRequired ? words.required : "",
      boost: key.isRequired ? 2 : 0,
      info: () => keyWords(key.name, key.schema, words),
      apply: (view, completion, from, to) => insertKey(view, completion.label, from, to, quote),
    }));
  }

  /* A key with its colon, where it has none yet; in quotes where the text around it has keys in quotes. */
  function insertKey(view, name, from, to, quote) {
    const text = view.state.doc.toString(), ends = quote && text[to] === quote ? to + 1 : to;
    const written = quote ? `${name}${quote}` : isJson(text) ? JSON.stringify(name) : name;
    const colon = /^\s*:/.test(text.slice(ends)) ? "" : ": ";
    const insert = written + colon;
    view.dispatch({ changes: { from, to: ends, insert }, selection: { anchor: from + insert.length }, userEvent: "input.complete" });
  }

  function valueOptions(schema, text, place, quote) {
    return PlanPlace.valuesAt(schema, text, place).map((word) => ({
      label: word,
      type: "enum",
      apply: isJson(text) && !quote ? asJson(word) : word,
    }));
  }

  function hovers(schema, words) {
    return hoverTooltip((view, pos) => {
      const token = PlanPlace.tokenAt(view.state.doc.toString(), pos);
      const known = token && PlanPlace.described(schema, token.path);
      if (!known) return null;
      const name = String(token.path[token.path.length - 1]);
      return { pos: token.from, end: token.to, above: true, create: () => ({ dom: keyWords(name, known, words) }) };
    });
  }

  /* What the server found, at the place it names: the value or key itself, or else its whole line. */
  function marksOf(answer, state) {
    const text = state.doc.toString();
    return [...answer.querySelectorAll("[data-mark-line]")].map((mark) => {
      const line = state.doc.line(Math.min(Math.max(Number(mark.dataset.markLine) || 1, 1), state.doc.lines));
      const range = PlanPlace.rangeOf(text, mark.dataset.pointer, line.from, line.to);
      const from = range?.from ?? line.from + line.text.search(/\S|$/);
      return { from, to: Math.max(range?.to ?? line.to, from), severity: "error", message: mark.dataset.words };
    }).sort((one, other) => one.from - other.from);
  }

  function editorOf(field, schema) {
    const words = JSON.parse(field.dataset.words), answer = document.querySelector(field.dataset.answer);
    const host = element("div", [], "code-editor"), root = host.attachShadow({ mode: "open" });
    const hint = document.getElementById(field.dataset.hint).cloneNode(true);
    hint.id = "hint";
    hint.hidden = true;
    const language = new Compartment(), inLanguage = (text) => isJson(text) ? json() : yaml();
    let spoken = isJson(field.value);

    function changed(update) {
      if (!update.docChanged) return;
      const text = update.state.doc.toString();
      field.value = text;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      if (isJson(text) === spoken) return;
      spoken = !spoken;
      update.view.dispatch({ effects: language.reconfigure(inLanguage(text)) });
    }

    const state = EditorState.create({
      doc: field.value,
      extensions: [
        lineNumbers(), foldGutter(), lintGutter(), history(), drawSelection(), highlightActiveLine(), highlightSpecialChars(),
        indentOnInput(), indentUnit.of("  "), bracketMatching(), closeBrackets(), language.of(inLanguage(field.value)),
        syntaxHighlighting(COLOURS), LOOK, hovers(schema, words),
        autocompletion({ override: [completions(schema, words)], icons: false }),
        keymap.of([...closeBracketsKeymap, ...completionKeymap, ...lintKeymap, ...foldKeymap, ...historyKeymap, ...defaultKeymap, indentWithTab]),
        EditorState.phrases.of(words.phrases), EditorView.updateListener.of(changed),
        EditorView.contentAttributes.of({ "aria-label": field.ariaLabel ?? field.labels?.[0]?.textContent ?? "", "aria-describedby": "hint", spellcheck: "false" }),
      ],
    });
    const view = new EditorView({ state, parent: root, root });
    root.append(hint);
    field.before(host);
    field.required = false;
    field.hidden = true;
    const mark = () => view.dispatch(setDiagnostics(view.state, marksOf(answer, view.state)));
    new MutationObserver(mark).observe(answer, { childList: true, subtree: true });
    mark();
    field.addEventListener("showline", (event) => {
      event.preventDefault();
      const line = view.state.doc.line(Math.min(event.detail, view.state.doc.lines));
      view.dispatch({ selection: { anchor: line.from, head: line.to }, effects: EditorView.scrollIntoView(line.from, { y: "center" }) });
      view.focus();
    });
    keepUnsaved(field, view.state.doc.toString());
  }

  /* Who leaves with a text that is not saved is asked; a page that keeps the text itself says so. */
  function keepUnsaved(field, begun) {
    if (field.dataset.kept === "yes") return;
    let isSent = false;
    field.form.addEventListener("submit", () => { isSent = true; });
    field.form.addEventListener("input", () => { isSent = false; });
    window.addEventListener("beforeunload", (event) => { if (!isSent && field.value !== begun) event.preventDefault(); });
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-show-line]"), field = document.querySelector("textarea[data-schema]");
    if (!link || !field) return;
    event.preventDefault();
    field.dispatchEvent(new CustomEvent("showline", { detail: Number(link.dataset.showLine), cancelable: true }));
  });

  for (const field of document.querySelectorAll("textarea[data-schema]")) {
    fetch(field.dataset.schema).then((answer) => answer.json()).then((schema) => editorOf(field, schema)).catch(() => {}); // the textarea stays
  }
})();
