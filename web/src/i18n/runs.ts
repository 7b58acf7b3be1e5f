import { area } from ".";
import { en } from "./en/runs";
import { zh } from "./zh/runs";

export const runTexts = area(en, zh);
