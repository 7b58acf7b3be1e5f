import { area } from ".";
import { en } from "./en/environments";
import { zh } from "./zh/environments";

export const environmentTexts = area(en, zh);
