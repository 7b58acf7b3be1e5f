import { area } from ".";
import { en } from "./en/palette";
import { zh } from "./zh/palette";

export const paletteTexts = area(en, zh);
