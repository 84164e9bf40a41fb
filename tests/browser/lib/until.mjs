/** Looks again and again until `holds` says yes, for so many milliseconds; says whether it did. */
export async function until(holds, patience) {
  const end = Date.now() + patience;
  do {
    if (await holds()) return true;
    await new Promise((resume) => setTimeout(resume, 25));
  } while (Date.now() < end);
  return false;
}
