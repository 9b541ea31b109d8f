// django-unfold's frame, which needs scripts anyway, has no landmark around what a page is about.
document.addEventListener("DOMContentLoaded", () => {
  document.getElementById("main")?.setAttribute("role", "main");
});
