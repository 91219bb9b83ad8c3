import type { RandomSource } from "./random.ts";

/** The leading brands of some categories with their weights, as the published revenue ranks them. */
const LEADING: Record<string, [string, number][]> = {
  "computers.components.videocards": [
    ["msi", 22],
    ["gigabyte", 19],
    ["palit", 16],
    ["asus", 12],
    ["sapphire", 13],
    ["powercolor", 6],
    ["zotac", 6],
    ["inno3d", 4],
  ],
  "computers.components.cpu": [["amd", 62], ["intel", 38]],
  "computers.components.motherboard": [["msi", 30], ["gigabyte", 28], ["asus", 27], ["asrock", 15]],
  "computers.peripherals.printer": [["canon", 40], ["hp", 30], ["epson", 20], ["xerox", 10]],
  "stationery.cartrige": [["canon", 30], ["hp", 25], ["epson", 15], ["pantum", 8], ["brother", 7]],
  "computers.notebook": [["asus", 25], ["lenovo", 25], ["hp", 20], ["acer", 20], ["dell", 10]],
  "electronics.telephone": [["samsung", 30], ["xiaomi", 22], ["apple", 12], ["nokia", 10]],
  "electronics.video.tv": [["samsung", 25], ["lg", 22], ["philips", 12], ["sony", 10]],
  "electronics.tablet": [["samsung", 25], ["lenovo", 20], ["huawei", 15], ["apple", 12]],
};
/** Share of branded products in those categories that carry a leading brand. */
const LEADING_SHARE = 0.85;
const STARTS = ["ar", "be", "cor", "del", "e", "fon", "gra", "hel", "in", "jo", "kin", "lu", "mar"];
const MIDDLES = ["", "a", "do", "li", "mi", "no", "ra", "te", "vi", "zo"];
const ENDS = ["ba", "co", "dex", "la", "max", "nix", "ra", "ro", "sta", "tek", "ton", "vox"];

/** Invents brand names and says which one a product of a category carries. */
export function makeBrands(
  count: number,
): { nameFor(category: string, random: RandomSource): string } {
  const invented = inventNames(count);
  return {
    nameFor(category, random) {
      const leading = LEADING[category];
      if (leading && random.uniform() < LEADING_SHARE) return pickLeading(leading, random);
      return invented[Math.floor(invented.length * random.uniform() ** 2.2)]!;
    },
  };
}

function pickLeading(leading: [string, number][], random: RandomSource): string {
  let place = random.uniform() * leading.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [name, weight] of leading) if ((place -= weight) < 0) return name;
  return leading[0]![0];
}

/** Names in an order that mixes their parts; the step shares no factor with the number of them. */
function inventNames(count: number): string[] {
  const all = STARTS.length * MIDDLES.length * ENDS.length;
  return Array.from({ length: Math.min(count, all) }, (_, index) => {
    const place = (index * 787) % all;
    const start = STARTS[place % STARTS.length]!;
    const middle = MIDDLES[Math.floor(place / STARTS.length) % MIDDLES.length]!;
    return start + middle + ENDS[Math.floor(place / STARTS.length / MIDDLES.length)]!;
  });
}
