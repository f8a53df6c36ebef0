// Draws what a page shows as an SVG: boxes, borders, icons, and text as text.
async (height) => {
  const width = window.innerWidth;
  const drawn = [];
  const images = [];
  const pen = document.createElement("canvas").getContext("2d");
  const round = (number) => Math.round(number * 10) / 10;
  const isSeen = (colour) => !/rgba\(.*, 0\)|transparent/.test(colour);
  const escaped = (text) =>
    text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

  function box(rect, style) {
    const sides = ["Top", "Right", "Bottom", "Left"];
    const widths = sides.map((side) =>
      isSeen(style[`border${side}Color`]) ? Number.parseFloat(style[`border${side}Width`]) : 0,
    );
    const isFramed = widths.every((each) => each > 0);
    const fill = isSeen(style.backgroundColor) ? style.backgroundColor : "none";
    if (fill !== "none" || isFramed) {
      const inset = isFramed ? widths[0] / 2 : 0;
      const radius = Math.min(Number.parseFloat(style.borderTopLeftRadius) || 0, rect.height / 2);
      const stroke = isFramed ? ` stroke="${style.borderTopColor}"` : "";
      drawn.push(
        `<rect x="${round(rect.left + inset)}" y="${round(rect.top + inset)}" width="${round(rect.width - 2 * inset)}" height="${round(rect.height - 2 * inset)}"${radius ? ` rx="${radius}"` : ""} fill="${fill}"${stroke}/>`,
      );
    }
    if (isFramed) return;
    const edges = [
      [rect.left, rect.top, rect.right, rect.top],
      [rect.right, rect.top, rect.right, rect.bottom],
      [rect.left, rect.bottom, rect.right, rect.bottom],
      [rect.left, rect.top, rect.left, rect.bottom],
    ];
    edges.forEach(([x1, y1, x2, y2], side) => {
      if (widths[side] === 0) return;
      const half = (side === 1 || side === 2 ? -1 : 1) * (widths[side] / 2);
      const [dx, dy] = side % 2 === 0 ? [0, half] : [half, 0];
      drawn.push(
        `<path d="M${round(x1 + dx)} ${round(y1 + dy)}L${round(x2 + dx)} ${round(y2 + dy)}" stroke="${style[`border${sides[side]}Color`]}" stroke-width="${widths[side]}"/>`,
      );
    });
  }

  function words(text, rect, style) {
    pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    const baseline = rect.top + pen.measureText("x").fontBoundingBoxAscent;
    const isUnderlined = style.textDecorationLine === "underline";
    const kind = style.fontFamily.includes("mono") ? ' class="m"' : "";
    drawn.push(
      `<text x="${round(rect.left)}" y="${round(baseline)}"${kind} font-size="${Number.parseFloat(style.fontSize)}" font-weight="${style.fontWeight}" fill="${style.color}"${isUnderlined ? ' text-decoration="underline"' : ""} textLength="${round(rect.width)}" lengthAdjust="spacingAndGlyphs">${escaped(text)}</text>`,
    );
  }

  function lines(node, style) {
    const range = document.createRange();
    let line = null;
    for (const { 0: word, index } of node.data.matchAll(/\S+/g)) {
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      const rect = range.getBoundingClientRect();
      if (line && Math.abs(line.top - rect.top) < 2) {
        line.text += ` ${word}`;
        line.width = rect.right - line.left;
      } else {
        if (line) words(line.text, line, style);
        line = { text: word, left: rect.left, top: rect.top, width: rect.width };
      }
    }
    if (line?.width > 0) words(line.text, line, style);
  }

  const LOOKS = ["fill", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin", "stroke-dasharray", "opacity"];

  function icon(svg, rect) {
    const copy = svg.cloneNode(true);
    const [inside, copies] = [svg, copy].map((each) => [each, ...each.querySelectorAll("*")]);
    inside.forEach((each, at) => {
      const style = getComputedStyle(each);
      for (const name of [...copies[at].attributes].map(({ name }) => name)) {
        if (/^(class|style|id|role|tabindex|aria|data|on)/.test(name)) copies[at].removeAttribute(name);
      }
      for (const look of LOOKS) {
        const value = style.getPropertyValue(look);
        if (at === 0 || value !== getComputedStyle(each.parentElement).getPropertyValue(look)) {
          copies[at].setAttribute(look, value);
        }
      }
      if (each.tagName === "text") {
        copies[at].setAttribute("font-size", style.fontSize);
        copies[at].setAttribute("text-anchor", style.textAnchor);
        copies[at].setAttribute("font-weight", style.fontWeight);
      }
    });
    for (const each of ["width", "height"]) copy.removeAttribute(each);
    return placed(copy.outerHTML, rect);
  }

  function placed(svg, { left, top, width, height }) {
    const place = `x="${round(left)}" y="${round(top)}" width="${round(width)}" height="${round(height)}"`;
    return svg.replaceAll(' xmlns="http://www.w3.org/2000/svg"', "").replace("<svg", `<svg ${place}`);
  }

  function draw(element) {
    const style = getComputedStyle(element);
    const rect = element.getBoundingClientRect();
    if (style.display === "none" || style.visibility === "hidden" || style.opacity === "0") return;
    const hasBox = style.display !== "contents";
    if (style.clipPath === "inset(50%)" || rect.top > height) return;
    if (hasBox && rect.width <= 1 && rect.height <= 1) return;
    if (element.parentElement?.matches("details:not([open])") && element.tagName !== "SUMMARY") return;
    if (hasBox) box(rect, style);
    if (element.tagName === "svg") {
      drawn.push(icon(element, rect));
      return;
    }
    if (element.tagName === "IMG") {
      images.push([drawn.push("") - 1, element, rect]);
      return;
    }
    if (element.tagName === "SUMMARY") {
      const [left, middle] = [round(rect.left), round(rect.top + rect.height / 2)];
      drawn.push(`<path d="M${left} ${middle - 4}l7 4l-7 4z" fill="${style.color}"/>`);
    }
    if (element.tagName === "SELECT") {
      pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
      const text = element.selectedOptions[0].text;
      const size = pen.measureText(text);
      const tall = size.fontBoundingBoxAscent + size.fontBoundingBoxDescent;
      const left = rect.left + Number.parseFloat(style.paddingLeft) + Number.parseFloat(style.borderLeftWidth);
      words(text, { left, top: rect.top + (rect.height - tall) / 2, width: size.width }, style);
      return;
    }
    for (const child of element.childNodes) {
      if (child.nodeType === Node.TEXT_NODE) lines(child, style);
      else if (child.nodeType === Node.ELEMENT_NODE) draw(child);
    }
  }

  draw(document.documentElement);
  for (const [place, { src }, rect] of images) {
    drawn[place] = placed(await (await fetch(src)).text(), rect);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif" role="img" aria-label="The dashboard's overview">
<style>.m { font-family: ui-monospace, 'SF Mono', Menlo, monospace }</style>
<clipPath id="frame"><rect width="${width}" height="${height}" rx="10"/></clipPath>
<g clip-path="url(#frame)">
${drawn.join("\n")}
</g>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10" fill="none" stroke="#8a93a0" stroke-opacity="0.5"/>
</svg>
`;
}
