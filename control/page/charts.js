"use strict";
// Figures as people read them, and as curves.

/// In at most five characters: "0.3", "9876", "12.3k", "1.23M"; "–" for what is not known. As in `synward top`.
function compact(number) {
  if (number === null || number === undefined) return "–";
  if (number < 9.95 && Math.abs(number - Math.round(number)) > 0.05) return number.toFixed(1);
  if (number < 9999.5) return number.toFixed(0);
  const units = "kMGTPE";
  let unit = 0;
  number /= 1000;
  while (number >= 999.5 && unit + 1 < units.length) {
    number /= 1000;
    ++unit;
  }
  return number.toFixed(number < 9.995 ? 2 : number < 99.95 ? 1 : 0) + units[unit];
}

/// "1 core", "2 cores"
const counted = (number, one, several) => `${number} ${number === 1 ? one : several}`;
/// "1,234,567"
const in_full = (number) => number.toLocaleString("en-US");
/// Of a part from 0 to 1.
const percent = (share, decimals = 0) => (share === null || share === undefined ? "–" : `${(share * 100).toFixed(decimals)} %`);

/// "59 s", "4 min 5 s", "3 h 12 min", "3 d 4 h"
function duration(seconds) {
  const s = Math.floor(Math.max(seconds, 0));
  const [minute, hour, day] = [60, 3600, 86400];
  if (s < minute) return `${s} s`;
  if (s < hour) return s % minute === 0 ? `${s / minute} min` : `${Math.floor(s / minute)} min ${s % minute} s`;
  if (s < day) return `${Math.floor(s / hour)} h ${Math.floor((s % hour) / minute)} min`;
  return `${Math.floor(s / day)} d ${Math.floor((s % day) / hour)} h`;
}

/// The most that is known of a series; null: nothing is.
function peak(series) {
  return series.reduce((most, value) => (value === null || (most !== null && most >= value) ? most : value), null);
}

const newest = (series) => (series?.length > 0 ? series[series.length - 1] : null);

/// Two paths in a box that is `span` - 1 wide and 100 high, the newest moment at its right: a line as high as the figures beside
/// `top`, and the area below it. Both have gaps where nothing is known.
function paths(series, span, top) {
  let line = "";
  let area = "";
  let last = null; // the x that the line has come to
  const left = span - series.length;
  series.forEach((value, i) => {
    const x = left + i;
    if (value !== null && x >= 0) {
      const y = (100 - (top > 0 ? 100 * Math.min(value / top, 1) : 0)).toFixed(1);
      line += last === null ? `M${x} ${y}h0` : `L${x} ${y}`;
      area += last === null ? `M${x} 100V${y}` : `L${x} ${y}`;
      last = x;
    } else if (last !== null) {
      area += `L${last} 100Z`;
      last = null;
    }
  });
  return { line, area: last === null ? area : `${area}L${last} 100Z` };
}

/// Draws `series` into the paths "area" and "line", where there are such, of `part`: an <svg> of the page, or a group in one.
function draw_curve(part, series, span, top) {
  const drawn = paths(series, span, top);
  part.closest("svg").setAttribute("viewBox", `0 0 ${span - 1} 100`);
  for (const name in drawn) part.querySelector(`.${name}`)?.setAttribute("d", drawn[name]);
}
