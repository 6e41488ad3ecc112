// The lines of the field `shapes`, as rings of longitude and latitude and back.
// A line is "lat,lon lat,lon lat,lon" for a polygon, "lat,lon radius" for a
// circle in kilometres.

const earth = 6371; // km, as in geojson.go
const corners = 64; // of the ring that shows a circle
const rad = degrees => degrees * Math.PI / 180, degrees = r => r * 180 / Math.PI;
// Five decimals are about a metre.
const round = n => +n.toFixed(5);

const pointOf = text => {
  const m = /^([-+]?\d+(?:\.\d+)?),([-+]?\d+(?:\.\d+)?)$/.exec(text);
  return m && Math.abs(m[1]) <= 90 && Math.abs(m[2]) <= 180 ? [round(+m[2]), round(+m[1])] : null;
};

// circle is the ring around a centre.
const circle = ([lon, lat], km) => {
  const far = km / earth, ring = [];
  for (let i = 0; i < corners; i++) {
    const angle = 2 * Math.PI * i / corners;
    const at = Math.asin(Math.sin(rad(lat)) * Math.cos(far) + Math.cos(rad(lat)) * Math.sin(far) * Math.cos(angle));
    const turn = Math.atan2(Math.sin(angle) * Math.sin(far) * Math.cos(rad(lat)), Math.cos(far) - Math.sin(rad(lat)) * Math.sin(at));
    ring.push([round(lon + degrees(turn)), round(degrees(at))]);
  }
  return [...ring, ring[0]];
};

const distance = ([lon1, lat1], [lon2, lat2]) => {
  const a = Math.sin(rad(lat2 - lat1) / 2) ** 2 + Math.cos(rad(lat1)) * Math.cos(rad(lat2)) * Math.sin(rad(lon2 - lon1) / 2) ** 2;
  return 2 * earth * Math.asin(Math.sqrt(Math.min(a, 1)));
};

// read gives the feature of a line, null where the line is no shape.
export const read = line => {
  const fields = line.trim().split(/\s+/), points = fields.map(pointOf);
  if (fields.length === 2 && points[0] && /^\d+(\.\d+)?$/.test(fields[1]) && +fields[1] > 0 && +fields[1] < 10000) {
    return {type: 'Feature', properties: {mode: 'circle', radiusKilometers: +fields[1]}, geometry: {type: 'Polygon', coordinates: [circle(points[0], +fields[1])]}};
  }
  if (points.length < 3 || !points.every(Boolean)) return null;
  if (String(points[0]) !== String(points[points.length - 1])) points.push(points[0]);
  return points.length < 4 ? null : {type: 'Feature', properties: {mode: 'polygon'}, geometry: {type: 'Polygon', coordinates: [points]}};
};

// write gives the line of a feature.
export const write = feature => {
  const ring = feature.geometry.coordinates[0];
  if (feature.properties.mode !== 'circle') return ring.map(([lon, lat]) => round(lat) + ',' + round(lon)).join(' ');
  const lons = ring.map(p => p[0]), lats = ring.map(p => p[1]);
  const east = lons.indexOf(Math.max(...lons)), centre = [(lons[east] + Math.min(...lons)) / 2, (Math.max(...lats) + Math.min(...lats)) / 2];
  return round(centre[1]) + ',' + round(centre[0]) + ' ' + Math.max(+distance(centre, ring[east]).toFixed(3), 0.001);
};
