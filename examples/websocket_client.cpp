// A WebSocket client in C++, with Boost.Beast and without Baton's libraries. Usage: websocket_client HOST PORT [QUESTION]
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>

#include <iostream>
#include <nlohmann/json.hpp>

namespace asio = boost::asio;
namespace beast = boost::beast;
using Json = nlohmann::ordered_json;

int main(int argc, char** argv) try {
  if (argc < 3) {
    std::cerr << "usage: websocket_client HOST PORT [QUESTION]\n";
    return 77;
  }
  const std::string host = argv[1], port = argv[2];
  asio::io_context io;
  beast::websocket::stream<asio::ip::tcp::socket> socket(io);
  asio::connect(socket.next_layer(), asio::ip::tcp::resolver(io).resolve(host, port));
  socket.handshake(host + ":" + port, "/v1/responses");

  const Json create = {{"type", "response.create"},
                       {"input", argc > 3 ? argv[3] : "What time is it in Tokyo?"},
                       {"tools", Json::array({{{"type", "mcp"}, {"server_label", "baton"}}})}};
  socket.write(asio::buffer(create.dump()));
  while (true) {
    beast::flat_buffer buffer;
    socket.read(buffer);
    const Json event = Json::parse(beast::buffers_to_string(buffer.data()));
    const std::string type = event["type"];
    if (type == "response.output_text.delta") {
      std::cout << event["delta"].get<std::string>() << std::flush;
    } else if (type == "response.output_item.done" && event["item"]["type"] == "mcp_call") {
      std::cout << "-> " << event["item"]["name"].get<std::string>() << " " << event["item"]["arguments"].get<std::string>() << "\n<- "
                << event["item"]["output"] << "\n";
    } else if (type == "error") {
      std::cerr << event["error"]["message"].get<std::string>() << "\n";
      return 1;
    } else if (type == "response.completed" || type == "response.incomplete" || type == "response.failed") {
      std::cout << "\n[" << event["response"]["status"].get<std::string>() << "]\n";
      socket.close(beast::websocket::close_code::normal);
      return type == "response.completed" ? 0 : 1;
    }
  }
} catch (const std::exception& e) {
  std::cerr << e.what() << "\n";
  return 1;
}
