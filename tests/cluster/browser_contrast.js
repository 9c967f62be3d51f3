/*
 * The least contrast of a text against what is painted behind it, as in WCAG 2: {count, worst, text}. Texts that are shown
 * count, in HTML and in SVG, where the fill of a shape before the text in its group is behind it.
 */
function parse(colour) {
	const numbers = colour.match(/[\d.]+/g);
	return numbers === null ? null : {rgb: numbers.slice(0, 3).map(Number), alpha: numbers[3] === undefined ? 1 : Number(numbers[3])};
}
function luminance(rgb) {
	const [r, g, b] = rgb.map(value => value / 255).map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
	return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function over(front, back) {
	return front.rgb.map((value, i) => value * front.alpha + back[i] * (1 - front.alpha));
}
function background(element) {
	const layers = [];
	const box = element.getBoundingClientRect();
	if (element.namespaceURI.endsWith("svg"))
		for (let shape = element.previousElementSibling; shape !== null; shape = shape.previousElementSibling) {
			const colour = parse(getComputedStyle(shape).fill), area = shape.getBoundingClientRect();
			const isBehind = area.left <= box.left + box.width / 2 && area.right >= box.left + box.width / 2 &&
				area.top <= box.top + box.height / 2 && area.bottom >= box.top + box.height / 2;
			if (isBehind && colour !== null && ["circle", "rect"].includes(shape.tagName))
				layers.push(colour);
		}
	for (let at = element; at !== null; at = at.parentElement) {
		const colour = parse(getComputedStyle(at).backgroundColor);
		if (colour !== null && colour.alpha > 0)
			layers.push(colour);
	}
	return layers.reverse().reduce((back, front) => over(front, back), [255, 255, 255]);
}
let count = 0, worst = 99, text = "";
for (const element of document.querySelectorAll("body *")) {
	const own = [...element.childNodes].filter(node => node.nodeType === 3).map(node => node.data.trim()).join(" ").trim();
	const style = getComputedStyle(element), box = element.getBoundingClientRect();
	const isHidden = style.visibility === "hidden" || style.display === "none" || box.width === 0;
	if (own === "" || isHidden || ["SCRIPT", "NOSCRIPT", "title"].includes(element.tagName))
		continue;
	const back = background(element);
	const front = over(parse(element.namespaceURI.endsWith("svg") ? style.fill : style.color), back);
	const [low, high] = [luminance(front), luminance(back)].sort((a, b) => a - b);
	const contrast = (high + 0.05) / (low + 0.05);
	count++;
	if (contrast < worst) {
		worst = contrast;
		text = own;
	}
}
return {count, worst: Math.round(worst * 100) / 100, text};
