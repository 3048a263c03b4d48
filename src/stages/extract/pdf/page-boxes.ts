/**
 * Which parts of a page are pictures: objects that lie close to each other belong together. Source: spec
 * pipeline-and-stages.md 5.2, images by `group`; data in `pdf.*.images_group` of its expectations.
 */
import type { Box, PageObject, PdfPage } from "./pdfium-page.js";

/** Points. */
const CLOSE = 10;
const SIDE_MIN = 10;
/** Drawings of fewer paths are rules and frames of the text; larger ones are backgrounds. */
const DRAWING_PATHS_MIN = 3;
const DRAWING_SHARE_MAX = 0.5;
/** Above these a page is a drawing of its own; grouping costs the square of them. */
const OBJECTS_MAX = { image: 1_024, path: 2_048, form: 1_024 } as const;

export interface PageBoxes {
  /** In whole points: pictures first, then drawings, then forms. */
  readonly boxes: readonly Box[];
  /** Kinds of objects of which the page has too many to group, in words. */
  readonly passedOver: readonly string[];
}

export function pictureBoxes(page: PdfPage): PageBoxes {
  const objects = page.objects(1);
  const passedOver: string[] = [];
  const boxesOf = (kind: PageObject["kind"]): Box[] => {
    const found = objects.filter((each) => each.kind === kind);
    if (found.length <= OBJECTS_MAX[kind]) return found.map(({ box }) => onPage(box, page));
    passedOver.push(`images of a page with more than ${OBJECTS_MAX[kind]} ${kind} objects`);
    return [];
  };
  const isSmall = (box: Box) => areaOf(box) <= page.width * page.height * DRAWING_SHARE_MAX;
  const images = groups(boxesOf("image")).map(around);
  const drawings = groups(boxesOf("path"))
    .filter((group) => group.length >= DRAWING_PATHS_MIN)
    .map(around)
    .filter(isSmall);
  const forms = boxesOf("form");
  const innermost = forms.filter(
    (box, index) => isSmall(box) && !forms.some((other, k) => k !== index && contains(box, other)),
  );
  const isLarge = ([left, top, right, bottom]: Box) =>
    right - left >= SIDE_MIN && bottom - top >= SIDE_MIN;
  return { boxes: [...images, ...drawings, ...innermost].filter(isLarge), passedOver };
}

/** Whole points, as far as they are on the page. */
function onPage([left, top, right, bottom]: Box, { width, height }: PdfPage): Box {
  const within = (value: number, limit: number) => Math.floor(Math.min(Math.max(value, 0), limit));
  return [within(left, width), within(top, height), within(right, width), within(bottom, height)];
}

/** Boxes that are linked by closeness, in the order of the first of each. */
function groups(boxes: readonly Box[]): Box[][] {
  const left = new Set(boxes);
  return boxes.flatMap((first) => {
    if (!left.delete(first)) return [];
    const group = [first];
    // The list grows while it is walked, until nobody has a neighbour any more.
    for (const member of group) {
      for (const other of left) {
        if (!areClose(member, other)) continue;
        left.delete(other);
        group.push(other);
      }
    }
    return [group];
  });
}

function areClose(a: Box, b: Box): boolean {
  return (
    a[0] - b[2] <= CLOSE && b[0] - a[2] <= CLOSE && a[1] - b[3] <= CLOSE && b[1] - a[3] <= CLOSE
  );
}

function around(group: readonly Box[]): Box {
  return group.reduce((a, b) => [
    Math.min(a[0], b[0]),
    Math.min(a[1], b[1]),
    Math.max(a[2], b[2]),
    Math.max(a[3], b[3]),
  ]);
}

/** Of two boxes that are equal neither contains the other, so that one picture stays of them. */
function contains(outer: Box, inner: Box): boolean {
  const holds =
    outer[0] <= inner[0] && outer[1] <= inner[1] && outer[2] >= inner[2] && outer[3] >= inner[3];
  return holds && areaOf(outer) > areaOf(inner);
}

function areaOf([left, top, right, bottom]: Box): number {
  return (right - left) * (bottom - top);
}
