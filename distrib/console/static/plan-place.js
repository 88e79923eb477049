/* Where something stands in a plan's text, YAML or JSON, and what the schema says of that place. Reads text as it is
   being typed, so nothing in it has to be whole. Knows no editor and no page. */
"use strict";
const PlanPlace = (() => {
  const KEY = /^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#:,{}[\]"'][^#:{}[\]]*?)\s*:(?=\s|$)/;
  const PREFIX = /^(\s*(?:-\s+)*)(["']?[\p{L}\p{N}_-]*)$/u;
  const VALUE = /^(\s*(?:-\s+)*(?:"[^"]*"|'[^']*'|[^\s#:,{}[\]"'][^#:{}[\]]*?)\s*:\s+)(["']?[^\s"'{}[\],]*)$/;
  const PLACEHOLDER = "\u0001";

  const bare = (word) => word.replace(/^["']|["']$/g, "");
  const same = (one, other) => one.length === other.length && one.every((step, at) => step === other[at]);

  /* Every key and value with its path, and every { } and [ ] that stands in one line or over several. */
  function scan(text) {
    const tokens = [], containers = [], frames = [];
    let pos = 0;

    const add = (role, from, to, path) => tokens.push({ role, from, to, path, word: bare(text.slice(from, to)) });
    const lineEnd = (from) => { const end = text.indexOf("\n", from); return end < 0 ? text.length : end; };
    const isSpace = (at) => " \t\r\n".includes(text[at]) && at < text.length;

    function skip() {
      while (pos < text.length) {
        if (isSpace(pos)) pos += 1;
        else if (text[pos] === "#" && (pos === 0 || isSpace(pos - 1))) pos = lineEnd(pos);
        else return;
      }
    }

    function scalar(stops) {
      const quote = text[pos], from = pos;
      if (quote === '"' || quote === "'") {
        const end = lineEnd(pos);
        pos += 1;
        while (pos < end && text[pos] !== quote) pos += text[pos] === "\\" && quote === '"' ? 2 : 1;
        pos = Math.min(pos + 1, end);
      } else {
        while (pos < text.length && !stops.includes(text[pos]) && text[pos] !== "\n") pos += 1;
        while (pos > from && isSpace(pos - 1)) pos -= 1;
      }
      return [from, pos];
    }

    function flow(path) {
      const isMap = text[pos] === "{", close = isMap ? "}" : "]";
      const container = { from: pos, to: text.length + 1, path, isMap, starts: [] };
      containers.push(container);
      pos += 1;
      for (let index = 0; pos < text.length; index += 1) {
        for (skip(); text[pos] === ","; skip()) pos += 1;
        if (text[pos] === close) { pos += 1; container.to = pos; return; }
        if (pos >= text.length) return;
        const before = pos;
        container.starts.push(pos);
        if (isMap) {
          const [from, to] = scalar(":,{}[]"), inner = [...path, bare(text.slice(from, to))];
          add("key", from, to, inner);
          skip();
          if (text[pos] === ":") { pos += 1; flowValue(inner); }
        } else flowValue([...path, index]);
        if (pos === before) pos += 1; // what stands here fits nothing
      }
    }

    function flowValue(path) {
      skip();
      if (text[pos] === "{" || text[pos] === "[") flow(path);
      else if (pos < text.length && !",}]".includes(text[pos])) add("value", ...scalar(",}]"), path);
    }

    const top = () => frames[frames.length - 1];
    const pathHere = () => { const frame = top(); return frame ? [...frame.path, frame.last] : []; };

    function line(end) {
      const begin = pos;
      while (text[pos] === " ") pos += 1;
      let column = pos - begin, isDash = /^-(\s|$)/.test(text.slice(pos, end));
      while (top() && (top().column > column || (top().column === column && top().isList && !isDash))) frames.pop();
      while (isDash) {
        if (!(top()?.isList && top().column === column)) frames.push({ column, isList: true, path: pathHere(), last: -1 });
        top().last += 1;
        pos += 1;
        while (text[pos] === " ") pos += 1;
        column = pos - begin;
        isDash = /^-(\s|$)/.test(text.slice(pos, end));
      }
      const key = KEY.exec(text.slice(pos, end));
      if (key) {
        if (!(top() && !top().isList && top().column === column)) frames.push({ column, isList: false, path: pathHere(), last: "" });
        top().last = bare(key[1]);
        add("key", pos, pos + key[1].length, pathHere());
        pos += key[0].length;
        while (text[pos] === " ") pos += 1;
      }
      value(end, column);
    }

    function value(end, column) {
      if (pos >= end || text[pos] === "#") { pos = end + 1; return; }
      if (text[pos] === "{" || text[pos] === "[") { flow(pathHere()); pos = lineEnd(Math.min(pos, text.length)) + 1; return; }
      if (/^[|>][-+0-9]*\s*(#.*)?$/.test(text.slice(pos, end))) { block(end, column); return; }
      const comment = text.slice(pos, end).search(/\s#/);
      const [from, to] = scalar("");
      add("value", from, comment < 0 ? to : Math.min(to, from + comment), pathHere());
      pos = end + 1;
    }

    function block(end, column) {
      pos = end + 1;
      while (pos < text.length) {
        const next = lineEnd(pos), row = text.slice(pos, next);
        if (row.trim() && row.search(/\S/) <= column) return;
        pos = next + 1;
      }
    }

    while (pos < text.length) {
      const end = lineEnd(pos), row = text.slice(pos, end);
      if (!row.trim() || row.trimStart().startsWith("#") || /^(---|\.\.\.)\s*$/.test(row)) pos = end + 1;
      else line(end);
    }
    return { tokens, containers };
  }

  /* What is being typed at a position: a key of which mapping or a value of which key, and from where on. */
  function placeAt(text, pos) {
    const { tokens, containers } = scan(text);
    const inside = containers.filter((one) => one.from < pos && pos < one.to).pop();
    const place = inside ? inFlow(text, pos, inside, tokens) : inBlock(text, pos);
    if (place?.role === "key") {
      place.used = tokens.filter((one) => one.role === "key" && same(one.path.slice(0, -1), place.path) && !(one.from <= pos && pos <= one.to)).map((one) => one.word);
    }
    return place;
  }

  function inFlow(text, pos, inside, tokens) {
    const before = text.slice(inside.from, pos), typed = /["']?[\p{L}\p{N}_.-]*$/u.exec(before)[0];
    const lead = before.slice(0, before.length - typed.length).trimEnd(), from = pos - typed.length;
    if (lead.endsWith(":")) {
      const key = tokens.filter((one) => one.role === "key" && one.from < pos - typed.length).pop();
      return key && { role: "value", path: key.path, from };
    }
    if (inside.isMap) return /[{,]$/.test(lead) ? { role: "key", path: inside.path, from, isFlow: true } : null;
    const index = inside.starts.filter((start) => start < from).length;
    return /[[,]$/.test(lead) ? { role: "value", path: [...inside.path, index], from } : null;
  }

  function inBlock(text, pos) {
    const begin = text.lastIndexOf("\n", pos - 1) + 1, row = text.slice(begin, pos);
    if (/(^|\s)#/.test(row)) return null;
    const word = PREFIX.exec(row);
    if (word) {
      const mapping = scan(`${text.slice(0, begin)}${word[1]}${PLACEHOLDER}: `).tokens.pop();
      return { role: "key", path: mapping.path.slice(0, -1), from: begin + word[1].length };
    }
    const given = VALUE.exec(row);
    if (!given) return null;
    const token = scan(`${text.slice(0, begin)}${given[1]}${PLACEHOLDER}`).tokens.pop();
    return { role: "value", path: token.path, from: begin + given[1].length };
  }

  /* The range of a path as problems name it, such as rules[0].rate, within a line; null where the line has none. */
  function rangeOf(text, pointer, from, to) {
    const steps = [...pointer.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map((part) => part[1] === undefined ? part[0] : Number(part[1]));
    const here = scan(text).tokens.filter((one) => one.from >= from && one.to <= to);
    const ofPath = (path) => here.filter((one) => same(one.path, path));
    return ofPath(steps).find((one) => one.role === "value") ?? ofPath(steps)[0] ?? null;
  }

  /* The schema: what may stand at a path, every alternative for itself. */
  function alternatives(schema, root) {
    if (schema.$ref) {
      const { $ref, ...more } = schema;
      return alternatives(root.$defs[$ref.replace("#/$defs/", "")], root).map((one) => ({ ...one, ...more }));
    }
    if (schema.anyOf) {
      const { anyOf, ...more } = schema;
      return anyOf.filter((one) => one.type || one.$ref || one.enum || one.const !== undefined || one.anyOf || one.properties)
        .flatMap((one) => alternatives(one, root)).map((one) => ({ ...more, ...one })).concat(schema.properties ? [more] : []);
    }
    return [schema];
  }

  function schemasAt(root, path) {
    let here = [root];
    for (const step of path) {
      here = here.flatMap((one) => alternatives(one, root)).map((one) => {
        if (typeof step === "number") return one.items;
        return one.properties?.[step] ?? (typeof one.additionalProperties === "object" ? one.additionalProperties : undefined);
      }).filter(Boolean);
    }
    return here.flatMap((one) => alternatives(one, root));
  }

  function described(root, path) {
    return schemasAt(root, path.slice(0, -1)).map((one) => one.properties?.[path[path.length - 1]]).find(Boolean) ?? null;
  }

  const rankPattern = (root) => root.$defs.rank.properties.code.pattern;

  function ranksOf(text) {
    return scan(text).tokens.filter((one) => one.role === "value" && one.path.length === 3 && one.path[0] === "ranks" && one.path[2] === "code").map((one) => one.word);
  }

  /* The keys that may stand in the mapping of a place and do not yet. */
  function keysAt(root, text, place) {
    const found = new Map();
    for (const one of schemasAt(root, place.path)) {
      for (const [name, schema] of Object.entries(one.properties ?? {})) {
        if (!place.used.includes(name)) found.set(name, { name, schema, isRequired: one.required?.includes(name) ?? false });
      }
      if (one.propertyNames?.pattern === rankPattern(root)) {
        for (const name of ranksOf(text)) if (!place.used.includes(name)) found.set(name, { name, schema: {}, isRequired: false });
      }
    }
    return [...found.values()];
  }

  /* The words that a value may be; null is as good as leaving the key out and is not offered. */
  function valuesAt(root, text, place) {
    const words = new Set();
    for (const one of schemasAt(root, place.path)) {
      for (const word of one.enum ?? (one.const === undefined ? [] : [one.const])) if (word !== null) words.add(String(word));
      if ([one.type].flat().includes("boolean")) for (const word of ["true", "false"]) words.add(word);
      if (one.pattern !== undefined && one.pattern === rankPattern(root)) for (const name of ranksOf(text)) words.add(name);
    }
    return [...words];
  }

  /* The key at a position, with its range; of a value its key. */
  function tokenAt(text, pos) {
    return scan(text).tokens.find((one) => one.from <= pos && pos <= one.to) ?? null;
  }

  return { scan, placeAt, rangeOf, keysAt, valuesAt, described, tokenAt };
})();
