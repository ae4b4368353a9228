// A stand-in for systemd-resolved's bus interface: resolve1 [refuse]. Owns its name on the system
// bus and writes each call as one line; with "refuse" every call is denied, as polkit would.
#include <cstdio>
#include <cstring>
#include <string>

#include <arpa/inet.h>
#include <systemd/sd-bus.h>

namespace {

bool refuse = false;

int say(sd_bus_message* call, const std::string& what) {
  std::printf("%s %s\n", sd_bus_message_get_member(call), what.c_str());
  std::fflush(stdout);
  if (refuse) return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_ACCESS_DENIED, "not for you");
  return sd_bus_reply_method_return(call, "");
}

int servers(sd_bus_message* call, void*, sd_bus_error*) {
  int link = 0;
  sd_bus_message_read(call, "i", &link);
  std::string out = std::to_string(link);
  sd_bus_message_enter_container(call, 'a', "(iayqs)");
  while (sd_bus_message_enter_container(call, 'r', "iayqs") > 0) {
    int family = 0;
    const void* address = nullptr;
    std::size_t size = 0;
    std::uint16_t port = 0;
    const char* name = nullptr;
    sd_bus_message_read(call, "i", &family);
    sd_bus_message_read_array(call, 'y', &address, &size);
    sd_bus_message_read(call, "qs", &port, &name);
    char text[INET6_ADDRSTRLEN] = "?";
    if (size == 16 || size == 4) inet_ntop(family, address, text, sizeof text);
    out += std::string(" [") + text + "]:" + std::to_string(port) + name;
    sd_bus_message_exit_container(call);
  }
  return say(call, out);
}

int domains(sd_bus_message* call, void*, sd_bus_error*) {
  int link = 0;
  sd_bus_message_read(call, "i", &link);
  std::string out = std::to_string(link);
  sd_bus_message_enter_container(call, 'a', "(sb)");
  const char* domain = nullptr;
  int route_only = 0;
  while (sd_bus_message_read(call, "(sb)", &domain, &route_only) > 0)
    out += std::string(" ") + (route_only != 0 ? "~" : "") + domain;
  return say(call, out);
}

int flag(sd_bus_message* call, void*, sd_bus_error*) {
  int link = 0;
  int value = 0;
  sd_bus_message_read(call, "ib", &link, &value);
  return say(call, std::to_string(link) + (value != 0 ? " yes" : " no"));
}

int mode(sd_bus_message* call, void*, sd_bus_error*) {
  int link = 0;
  const char* value = "";
  sd_bus_message_read(call, "is", &link, &value);
  return say(call, std::to_string(link) + " " + value);
}

int revert(sd_bus_message* call, void*, sd_bus_error*) {
  int link = 0;
  sd_bus_message_read(call, "i", &link);
  return say(call, std::to_string(link));
}

const sd_bus_vtable kMethods[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("SetLinkDNSEx", "ia(iayqs)", "", servers, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("SetLinkDomains", "ia(sb)", "", domains, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("SetLinkDefaultRoute", "ib", "", flag, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("SetLinkLLMNR", "is", "", mode, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("SetLinkMulticastDNS", "is", "", mode, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("SetLinkDNSOverTLS", "is", "", mode, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("SetLinkDNSSEC", "is", "", mode, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("RevertLink", "i", "", revert, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END};

}  // namespace

int main(int argc, char** argv) {
  refuse = argc > 1 && std::strcmp(argv[1], "refuse") == 0;
  sd_bus* bus = nullptr;
  if (sd_bus_open_system(&bus) < 0 ||
      sd_bus_add_object_vtable(bus, nullptr, "/org/freedesktop/resolve1",
                               "org.freedesktop.resolve1.Manager", kMethods, nullptr) < 0 ||
      sd_bus_request_name(bus, "org.freedesktop.resolve1", 0) < 0)
    return 1;
  std::printf("ready\n");
  std::fflush(stdout);
  for (;;) {
    const int done = sd_bus_process(bus, nullptr);
    if (done < 0) return 0;
    if (done == 0) sd_bus_wait(bus, ~std::uint64_t{0});
  }
}
