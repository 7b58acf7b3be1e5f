import { area } from ".";
import { en } from "./en/settings";
import { zh } from "./zh/settings";

export const settingsTexts = area(en, zh);
