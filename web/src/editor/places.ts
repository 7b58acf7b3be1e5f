/**
 * Where stages, jobs and steps stand in a text, found in its syntax tree, which is there while one
 * types: the server tells of the graph but not of lines. JSON is read as the YAML that it is.
 */
import type { SyntaxNode, Tree } from "@lezer/common";
import type { Graph } from "./call";

export interface Text {
  sliceString(from: number, to: number): string;
}

type Key = string | number;

interface Entry {
  key: string;
  node: SyntaxNode;
  from: number;
}

/** List what is in a mapping or a list, in its order. */
function entriesOf(text: Text, node: SyntaxNode): Entry[] {
  const found: Entry[] = [];
  for (let item = node.firstChild; item; item = item.nextSibling) {
    const { from } = item;
    if (item.name === "Pair") {
      const value = contentOf(item);
      if (value) found.push({ key: keyOf(text, item), node: value, from });
    } else if (item.name === "Item") found.push({ key: "", node: contentOf(item) ?? item, from });
    else if (node.name === "FlowSequence" && isValue(item))
      found.push({ key: "", node: item, from });
  }
  return found;
}

function child(text: Text, node: SyntaxNode, key: Key): Entry | undefined {
  const entries = entriesOf(text, node);
  return typeof key === "number" ? entries[key] : entries.find((entry) => entry.key === key);
}

const VALUES = new Set([
  "BlockMapping",
  "BlockSequence",
  "FlowMapping",
  "FlowSequence",
  "Literal",
  "QuotedLiteral",
  "BlockLiteral",
]);

function isValue(node: SyntaxNode): boolean {
  return VALUES.has(node.name);
}

function keyOf(text: Text, pair: SyntaxNode): string {
  const key = pair.getChild("Key") ?? pair.firstChild;
  return key
    ? text
        .sliceString(key.from, key.to)
        .trim()
        .replace(/^["']|["']$/g, "")
    : "";
}

function contentOf(node: SyntaxNode): SyntaxNode | null {
  let found: SyntaxNode | null = null;
  for (let each = node.firstChild; each; each = each.nextSibling) {
    if (each.name === "Tagged" || each.name === "Anchored") found = contentOf(each) ?? found;
    else if (isValue(each)) found = each;
  }
  return found;
}

function walk(text: Text, root: SyntaxNode, path: readonly Key[]) {
  let at: { node: SyntaxNode; from: number } = { node: root, from: root.from };
  for (const key of path) {
    const found = child(text, at.node, key);
    if (!found) return null;
    at = found;
  }
  return at;
}

/** The ways in which files write stages, jobs and steps; the first that fits holds. */
const JOBS: readonly Key[] = ["jobs", "containers"];
const STEPS: readonly Key[] = ["steps", "elements"];

function under(text: Text, node: SyntaxNode, names: readonly Key[]) {
  for (const name of names) {
    const found = walk(text, node, [name]);
    if (found) return found;
  }
  return null;
}

export interface Place {
  id: string;
  from: number;
}

/** Give the places of the nodes of a graph that can be found, in the order of the text. */
export function placesOf(text: Text, tree: Tree, graph: Graph): Place[] {
  const root = tree.topNode.getChild("Document")?.firstChild;
  const top = root && (isValue(root) ? root : contentOf(root.parent ?? root));
  if (!top) return [];
  const found: Place[] = [];
  const stages = walk(text, top, ["stages"]);
  const first = stages && under(text, stages.node, [0]);
  // the first stage of a BK-CI model holds its triggers and is none of the graph
  const isModel = first && walk(text, first.node, ["containers"]) !== null;
  graph.stages.forEach((stage, index) => {
    const here = stages ? walk(text, stages.node, [index + (isModel ? 1 : 0)]) : null;
    if (stages && !here) return;
    if (here) found.push({ id: stage.id, from: here.from });
    const owner = here?.node ?? top;
    const jobs = under(text, owner, JOBS);
    stage.jobs.forEach((job, place) => {
      const at = jobs ? walk(text, jobs.node, [place]) : null;
      if (jobs && !at) return;
      if (at) found.push({ id: job.id, from: at.from });
      const steps = under(text, at?.node ?? owner, STEPS);
      if (!steps) return;
      job.steps.forEach((step, number) => {
        const spot = walk(text, steps.node, [number]);
        if (spot) found.push({ id: step.id, from: spot.from });
      });
    });
  });
  return found.sort((a, b) => a.from - b.from);
}

/** The innermost node that a place of the text belongs to. */
export function nodeAt(places: readonly Place[], position: number): string | null {
  return places.findLast((place) => place.from <= position)?.id ?? null;
}
