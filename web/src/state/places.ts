/** Where somebody has been lately, kept in this browser: the palette offers it. */
import { BASE } from "@/api/client";

export interface RecentPlace {
  /** Below the base of the page. */
  path: string;
  title: string;
  project: string;
}

interface Kept {
  /** Whose places they are: who signs in next does not see them. */
  user: string;
  places: readonly RecentPlace[];
}

const STORED = "mulligan.places";
const MOST = 12;
const WORTH = /^\/projects\/([^/]+)(?:\/(?:pipelines|runs|environments)\/[^/]+)?$/;

let owner = "";

function kept(): Kept {
  try {
    const found = JSON.parse(localStorage.getItem(STORED) ?? "{}");
    const places = found.user === owner && Array.isArray(found.places) ? found.places : [];
    return { user: owner, places };
  } catch {
    return { user: owner, places: [] };
  }
}

/** From now on places are those of this user. */
export function ownPlaces(user: string): void {
  owner = user;
}

/** Remember the page that is open now, if one can come back to it; the newest stands first. */
export function rememberPlace(title: string, path = location.pathname): void {
  const below = `/${path.slice(BASE.length)}`;
  const project = WORTH.exec(below)?.[1];
  if (!owner || !project || !title) return;
  const place = { path: below, title, project: decodeURIComponent(project) };
  const others = kept().places.filter((each) => each.path !== below);
  const next: Kept = { user: owner, places: [place, ...others].slice(0, MOST) };
  try {
    localStorage.setItem(STORED, JSON.stringify(next));
  } catch {
    // a browser that keeps nothing: there are no recent places
  }
}

export function recentPlaces(): readonly RecentPlace[] {
  return kept().places;
}
