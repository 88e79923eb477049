// The network: an outline that opens branch by branch and is walked with the arrows, and beside it the picture of the
// chosen subtree: top-down, each level a band, drawn as SVG from the figures that the service answers.
const SVG = "http://www.w3.org/2000/svg";
const BAND = 84, RADIUS = 9, RANKS = 6, MOST_STRETCH = 5, MOST_NAMED = 400;
// From one shop to the next beside it and below it in a block; with names, so far that none runs into another.
const CLOSE = { step: 24, stack: 22 }, NAMED = { step: 52, stack: 38 };
const network = document.querySelector(".network");

if (network) {
  const picture = new Picture(network);
  walkOutline(network, (id) => picture.show(id));
  picture.show(network.dataset.chosen);
}

function element(name, attributes, parent) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent?.append(made);
  return made;
}

/* Places of a tidy tree: no subtree crosses another, a parent stands over the middle of what is below it, and shops
   that brought nobody in stand in a block of rows under their sponsor. Levels are stretched until the whole has the
   form of the picture, so that a wide tree is no ribbon. */
function places(shops, ratio, { step, stack }) {
  const below = shops.map(() => []);
  for (let place = 1; place < shops.length; place += 1) below[shops[place].sponsor].push(place);
  const depth = shops.map(() => 0), rows = [1];
  for (let place = 1; place < shops.length; place += 1) depth[place] = depth[shops[place].sponsor] + 1;
  const shift = shops.map(() => 0), stacked = shops.map(() => 0), contours = new Array(shops.length);
  for (let place = shops.length - 1; place >= 0; place -= 1) {
    const leaves = below[place].filter((child) => below[child].length === 0);
    const blocks = below[place].filter((child) => below[child].length > 0).map((child) => ({ child, contour: contours[child] }));
    const high = leaves.length > 2 ? Math.ceil(Math.sqrt(leaves.length * 1.5)) : 1;
    const wide = Math.ceil(leaves.length / high);
    if (leaves.length) {
      rows[depth[place] + 1] = Math.max(rows[depth[place] + 1] ?? 1, high);
      blocks.push({ leaves, contour: [[-((wide - 1) * step) / 2, ((wide - 1) * step) / 2]] });
    }
    const joined = [], at = [];
    for (const block of blocks) {
      let x = joined.length ? -Infinity : 0;
      for (let level = 0; level < Math.min(joined.length, block.contour.length); level += 1) {
        x = Math.max(x, joined[level][1] - block.contour[level][0] + step);
      }
      at.push(x);
      block.contour.forEach(([left, right], level) => {
        joined[level] = joined[level] ? [Math.min(joined[level][0], left + x), Math.max(joined[level][1], right + x)] : [left + x, right + x];
      });
    }
    const middle = at.length ? (at[0] + at[at.length - 1]) / 2 : 0;
    blocks.forEach((block, index) => {
      if (block.child !== undefined) shift[block.child] = at[index] - middle;
      else block.leaves.forEach((leaf, order) => {
        shift[leaf] = at[index] - middle + ((order % wide) - (wide - 1) / 2) * step;
        stacked[leaf] = Math.floor(order / wide);
      });
    });
    contours[place] = [[0, 0], ...joined.map(([left, right]) => [left - middle, right - middle])];
  }
  const tops = [0];
  const deepest = Math.max(...depth);
  for (let level = 1; level <= deepest + 1; level += 1) tops[level] = tops[level - 1] + BAND + ((rows[level - 1] ?? 1) - 1) * stack;
  const x = shops.map(() => 0), y = shops.map(() => 0);
  const [left, right] = [Math.min(...contours[0].map((span) => span[0])), Math.max(...contours[0].map((span) => span[1]))];
  const stretch = Math.min(Math.max((right - left) / ratio / tops[deepest + 1], 1), MOST_STRETCH);
  for (let level = 0; level <= deepest + 1; level += 1) tops[level] *= stretch;
  for (let place = 0; place < shops.length; place += 1) {
    x[place] = place ? x[shops[place].sponsor] + shift[place] : 0;
    y[place] = tops[depth[place]] + (BAND * stretch) / 2 + stacked[place] * stack;
  }
  return { x, y, tops, deepest, half: (BAND * stretch) / 2 };
}

// A name as far as it fits between two shops; a character of Chinese is about twice as wide as a letter.
function fitting(name, width) {
  let used = 0;
  for (let place = 0; place < name.length; place += 1) {
    used += name.charCodeAt(place) > 0x2e7f ? 9 : 5.5;
    if (used > width) return `${name.slice(0, Math.max(place - 1, 1))}…`;
  }
  return name;
}

function Picture(root) {
  const svg = root.querySelector(".picture"), words = root.querySelector(".picture-words");
  const summary = root.querySelector(".shop-summary"), title = root.querySelector(".picture-of");
  let view = { x: 0, y: 0, width: 100, height: 100 }, whole = view, asked = 0;

  const address = (template, id) => template.replace("SHOP", encodeURIComponent(id));
  const pan = () => {
    svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
    for (const name of svg.querySelectorAll(".level-name")) name.setAttribute("x", view.x + (8 * view.width) / svg.clientWidth);
  };
  const look = () => {
    pan();
    const scale = svg.clientWidth / view.width;
    for (const name of svg.querySelectorAll(".level-name")) {
      name.setAttribute("font-size", 11 / scale);
      name.setAttribute("dy", 13 / scale);
    }
    for (const name of svg.querySelectorAll(".node-name")) name.setAttribute("display", scale > 1.1 ? "inline" : "none");
  };
  const fit = () => {
    const ratio = svg.clientWidth / svg.clientHeight || 1;
    const width = Math.max(whole.width, whole.height * ratio, 260), height = width / ratio;
    view = { x: whole.x + (whole.width - width) / 2, y: whole.y, width, height };
    look();
  };
  const zoom = (factor, x = view.x + view.width / 2, y = view.y + view.height / 2) => {
    const width = Math.min(Math.max(view.width * factor, 80), whole.width * 4 + 2000), by = width / view.width;
    view = { x: x - (x - view.x) * by, y: y - (y - view.y) * by, width, height: view.height * by };
    look();
  };
  const at = (event) => {
    const box = svg.getBoundingClientRect();
    return [view.x + ((event.clientX - box.left) / box.width) * view.width, view.y + ((event.clientY - box.top) / box.height) * view.height];
  };

  function draw(tree) {
    const isNamed = tree.shops.length <= MOST_NAMED, room = isNamed ? NAMED : CLOSE;
    const { x, y, tops, deepest, half } = places(tree.shops, svg.clientWidth / svg.clientHeight || 1, room), top = tree.shops[0];
    const left = Math.min(...x) - 90, right = Math.max(...x) + 40;
    svg.replaceChildren();
    const far = 100000;
    for (let level = 0; level <= deepest; level += 1) {
      const real = top.level + level, isBeyond = tree.cap > 0 && real > tree.cap;
      if (isBeyond) element("rect", { class: "beyond", x: -far, y: tops[level], width: 2 * far, height: tops[level + 1] - tops[level] }, svg);
      const name = element("text", { class: isBeyond ? "level-name over" : "level-name", x: left, y: tops[level] }, svg);
      name.textContent = (isBeyond ? svg.dataset.beyond : svg.dataset.level).replace("{level}", real);
    }
    const canvas = element("g", {}, svg);
    const lines = tree.shops.slice(1).map((shop, index) => {
      const place = index + 1, from = shop.sponsor;
      return `M${x[from]} ${y[from]}C${x[from]} ${y[from] + half} ${x[place]} ${y[place] - half} ${x[place]} ${y[place]}`;
    });
    element("path", { class: "links", d: lines.join("") }, canvas);
    tree.shops.forEach((shop, place) => {
      const tone = shop.rank < 0 ? "rank-0" : `rank-${shop.rank % RANKS}`;
      const node = element("circle", { class: `node ${tone}${shop.is_active ? "" : " hollow"}`, cx: x[place], cy: y[place], r: RADIUS, "data-shop": shop.id }, canvas);
      element("title", {}, node).textContent = shop.name ? `${shop.name} (${shop.id})` : shop.id;
      element("text", { class: "node-letter", x: x[place], y: y[place] + 3.5, "text-anchor": "middle" }, canvas).textContent = shop.letter;
      if (isNamed) element("text", { class: "node-name", x: x[place], y: y[place] + RADIUS + 9, "text-anchor": "middle" }, canvas).textContent = fitting(shop.name || shop.id, room.step - 4);
    });
    whole = { x: left, y: 0, width: right - left, height: tops[deepest + 1] };
    fit();
  }

  async function card(id) {
    for (const node of svg.querySelectorAll(".node.chosen")) node.classList.remove("chosen");
    svg.querySelector(`.node[data-shop="${CSS.escape(id)}"]`)?.classList.add("chosen");
    const answer = await fetch(address(root.dataset.summary, id), { credentials: "same-origin" });
    if (answer.ok) summary.innerHTML = await answer.text();
  }

  this.show = async (id) => {
    const mine = (asked += 1);
    title.textContent = id;
    words.textContent = root.dataset.loading;
    try {
      const answer = await fetch(address(root.dataset.tree, id), { credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      const tree = await answer.json();
      if (mine !== asked) return;
      draw(tree);
      words.textContent = tree.words;
      await card(id);
    } catch (error) {
      if (mine === asked) words.textContent = root.dataset.failed;
    }
  };

  let held = null, moved = false;
  svg.addEventListener("pointerdown", (event) => { held = { x: event.clientX, y: event.clientY, view }; moved = false; });
  svg.addEventListener("pointermove", (event) => {
    if (!held) return;
    const scale = view.width / svg.clientWidth, dx = event.clientX - held.x, dy = event.clientY - held.y;
    if (!moved && Math.abs(dx) + Math.abs(dy) < 4) return;
    if (!moved) svg.setPointerCapture(event.pointerId);
    moved = true;
    view = { ...view, x: held.view.x - dx * scale, y: held.view.y - dy * scale };
    pan();
  });
  svg.addEventListener("pointerup", () => { held = null; });
  svg.addEventListener("pointercancel", () => { held = null; });
  svg.addEventListener("click", (event) => {
    const node = event.target.closest(".node");
    if (node && !moved) card(node.dataset.shop);
  });
  svg.addEventListener("wheel", (event) => { event.preventDefault(); zoom(event.deltaY > 0 ? 1.15 : 1 / 1.15, ...at(event)); }, { passive: false });
  root.addEventListener("click", (event) => {
    const way = event.target.closest("[data-zoom]")?.dataset.zoom;
    if (way === "fit") fit();
    else if (way) zoom(way === "in" ? 1 / 1.4 : 1.4);
  });
}

/* The outline as a tree of the ARIA practices: one item is in the tab order, the arrows go from there. */
function walkOutline(root, choose) {
  const tree = root.querySelector("[role=tree]");
  const items = () => [...tree.querySelectorAll("[role=treeitem]")].filter((item) => !item.closest("ul[hidden]"));
  const enter = (item) => {
    if (!item) return;
    for (const other of tree.querySelectorAll('[tabindex="0"]')) other.tabIndex = -1;
    item.tabIndex = 0;
    item.focus({ preventScroll: true });
    item.querySelector(".tree-row").scrollIntoView({ block: "nearest" });
  };
  const select = (item) => {
    for (const other of tree.querySelectorAll("[aria-selected]")) other.removeAttribute("aria-selected");
    item.setAttribute("aria-selected", "true");
    choose(item.dataset.shop);
  };
  const open = async (item, isOpen) => {
    const group = item.querySelector(":scope > ul");
    if (!group) return;
    if (isOpen && item.dataset.branch && (!group.children.length || item.dataset.partial)) {
      const answer = await fetch(item.dataset.branch, { credentials: "same-origin" });
      if (!answer.ok) return;
      group.innerHTML = await answer.text();
      delete item.dataset.partial;
    }
    group.hidden = !isOpen;
    item.setAttribute("aria-expanded", String(isOpen));
  };
  const more = async (item) => {
    const answer = await fetch(item.dataset.more, { credentials: "same-origin" });
    if (!answer.ok) return;
    const before = item.previousElementSibling;
    item.outerHTML = await answer.text();
    enter(before?.nextElementSibling);
  };

  tree.addEventListener("click", (event) => {
    const item = event.target.closest("[role=treeitem]");
    if (!item || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    enter(item);
    if (item.dataset.more) more(item);
    else if (event.target.closest(".twig")) open(item, item.getAttribute("aria-expanded") !== "true");
    else select(item);
  });
  tree.addEventListener("keydown", (event) => {
    const item = event.target.closest("[role=treeitem]");
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const shown = items(), place = shown.indexOf(item), isOpen = item.getAttribute("aria-expanded");
    const deeds = {
      ArrowDown: () => enter(shown[place + 1]),
      ArrowUp: () => enter(shown[place - 1]),
      Home: () => enter(shown[0]),
      End: () => enter(shown[shown.length - 1]),
      ArrowRight: () => (isOpen === "false" ? open(item, true) : isOpen === "true" && enter(item.querySelector("[role=treeitem]"))),
      ArrowLeft: () => (isOpen === "true" ? open(item, false) : enter(item.parentElement.closest("[role=treeitem]"))),
      Enter: () => (item.dataset.more ? more(item) : select(item)),
      " ": () => (item.dataset.more ? more(item) : select(item)),
    };
    if (deeds[event.key]) {
      event.preventDefault();
      deeds[event.key]();
    }
  });
  const first = tree.querySelector('[aria-selected="true"]') ?? tree.querySelector("[role=treeitem]");
  if (first) first.tabIndex = 0;
}
